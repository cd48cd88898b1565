// The contenders: the modules of each Worker, and the settings that all of them share.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { root } from "../../scripts/command.mjs";
import { builtModules, moduleIn } from "../../tests/support/modules.mjs";

const folder = join(root, "benches", "gateway");
const inside = ["main.mjs", "bindings.mjs"].map((name) => moduleIn(join(folder, "inside"), name, ""));

/**
 * The stores of seen events: KV; Durable Objects that are called inside the isolate, on a fake storage; and real ones,
 * with the runtime's remote calls and SQLite.
 *
 * @type {Record<string, Record<string, string>>}
 */
export const modes = {
  kv: { DEDUPE: "kv" },
  strict: { DEDUPE: "durable-object", OBJECTS: "in-isolate" },
  object: { DEDUPE: "durable-object", OBJECTS: "remote" },
};

/**
 * @typedef {{ type: "ESModule", path: string, contents: string }
 *   | { type: "CompiledWasm", path: string, contents: Buffer }} Module
 * @typedef {{ name: string, modules: Module[], decides: boolean, settings?: Record<string, string> }} Contender the first
 * module is the entry point; `decides` is true if it answers as a gateway must; `settings` are its own
 */

/** A Worker that only reads the body and answers. @returns {Contender} */
export function readsOnly() {
  return bare("reads the body only", "reads-only.mjs");
}

/** A Worker that refuses without reading anything. @returns {Contender} */
export function answersOnly() {
  return bare("answers only", "answers-only.mjs");
}

/** @param {string} name @param {string} file @returns {Contender} */
function bare(name, file) {
  const contents = readFileSync(join(folder, "inside", file), "utf8");
  const modules = [...inside, { type: /** @type {const} */ ("ESModule"), path: "/gateway/worker.js", contents }];
  return { name, modules, decides: false };
}

/** A build of the Worker. @param {string} name @param {string} build its folder @returns {Contender} */
export function built(name, build) {
  return { name, modules: [...inside, ...builtModules(resolve(build), "/gateway")], decides: true };
}

/** The same with the object `Activity` bound, which is called in the isolate. @param {Contender} contender @returns {Contender} */
export function withActivity(contender) {
  return { ...contender, name: `${contender.name}, with activity`, settings: { ACTIVITY: "in-isolate" } };
}

/** The same with all that an attack meets: `Activity`, and the limit on failures. @param {Contender} contender @returns {Contender} */
export function withAll(contender) {
  const settings = { ACTIVITY: "in-isolate", FAILURES: "in-isolate" };
  return { ...contender, name: `${contender.name}, with activity and limit`, settings };
}

/** The same gateway in TypeScript, on Hono. @returns {Promise<Contender>} */
export async function typescript() {
  const { outputFiles } = await build({
    entryPoints: [join(folder, "hono", "index.ts")],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker"],
    external: ["cloudflare:*"],
    logLevel: "error",
  });
  const contents = outputFiles[0]?.text ?? "";
  const modules = [...inside, { type: /** @type {const} */ ("ESModule"), path: "/gateway/worker.js", contents }];
  return { name: "TypeScript on Hono", modules, decides: true };
}
