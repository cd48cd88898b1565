// Mistakes in a project: each is found by its code, and gone when its cure is followed.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { scratchFolder } from "./cli.mjs";
import { newProject } from "./project.mjs";

/** @typedef {import("./project.mjs").Project} Project */

/**
 * A mistake. `problems` are the codes of all problems that it makes, one by default. `cure` does what the cure's text
 * leaves to the reader.
 *
 * @typedef {{ problems?: string[], options?: string[], makes: (project: Project) => void, cure?: (project: Project) => void }} Mistake
 */

// wrangler is large, and most of a run's time goes into its compilation.
process.env.NODE_COMPILE_CACHE = scratchFolder();

export const toml = "wrangler.toml";
export const consumerToml = "wrangler.consumer.toml";

/** Options of `init`. */
export const twoWorkers = ["--two-workers", "--javascript"];

/** Secrets that must never be printed. */
export const devVars = (secret = "whsec_5f1d2c7b9a", token = "an-admin-token-that-nobody-guesses-91") =>
  `CRONOZEN_SIGNING_SECRET=${secret}\nADMIN_TOKEN=${token}\n`;
const secretParts = /whsec_5f1d2c7b9a|nobody-guesses|short-91/;

/** Sets variables of the gateway. @param {string} lines */
export const vars = (lines) => edits("[vars]", `[vars]\n${lines}`);

/** Replaces a part of a file. @param {string} from @param {string} to */
export const edits =
  (from, to, file = toml) =>
  (/** @type {Project} */ project) =>
    project.edit(file, from, to);

/** Removes tables that contain a text. @param {string} header @param {string} [having] */
export const cuts =
  (header, having, file = toml) =>
  (/** @type {Project} */ project) =>
    project.cut(file, header, having);

/** Tests mistakes, by the code that names them, two at a time. @param {Record<string, Mistake | Mistake[]>} mistakes */
export function testMistakes(mistakes) {
  suite("mistakes", { concurrency: 2 }, () => {
    for (const [code, list] of Object.entries(mistakes)) {
      for (const [position, mistake] of [list].flat().entries()) {
        test(`mistake ${code} ${position} is found, and its cure removes it`, () => testMistake(code, mistake));
      }
    }
  });
}

/** @param {string} code @param {Mistake} mistake */
async function testMistake(code, { problems = [code], options = [], makes, cure }) {
  const project = await newProject(...options);
  makes(project);
  const before = await project.examine();
  assert.deepEqual(before.problems, problems);
  assert.equal(before.code, 1);
  assert.equal(before.ok, false);
  cure?.(project);
  let last = cure === undefined ? before : await project.examine();
  // A cure may lead to the next problem.
  for (let round = 0; last.problems.length > 0 && round < problems.length; round += 1) {
    project.follow(last.checks.find(({ status }) => status === "problem")?.cure ?? "");
    last = await project.examine();
  }
  assert.deepEqual(last.problems, []);
  assert.equal(last.code, 0);
  assert.doesNotMatch(JSON.stringify([before, last]), secretParts);
}
