// The contenders, as their users would call them: everything that can be prepared once is prepared once.

import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexToBytes } from "@noble/hashes/utils.js";
import { verify as verifyOctokit } from "@octokit/webhooks-methods";
import * as cronozen from "cronozen-edge";
import * as withoutWasm from "cronozen-edge/no-wasm";
import * as standardwebhooks from "standardwebhooks";
import Stripe from "stripe";
import * as svix from "svix";
import { secret, standardSecret } from "./secrets.mjs";

/** @typedef {import("../types.js").Contender} Contender */

/** @type {import("../types.js").Form[]} */
const both = ["bytes", "string"];

/**
 * Returns all contenders in a runtime, ours first.
 *
 * @param {string} runtime
 * @returns {Promise<Contender[]>}
 */
export async function contenders(runtime) {
  return [
    ...ours("cronozen-edge", cronozen),
    ...forced("wasm"),
    ...forced("native"),
    ...forced("subtle"),
    // The slower export for platforms that do not allow WebAssembly.
    ...ours("cronozen-edge/no-wasm", withoutWasm).filter(({ name }) => name.endsWith(" matches")),
    nodeCrypto(),
    await webCrypto(),
    noble(),
    octokit(),
    ...stripe(runtime),
    standard("svix verify", new svix.Webhook(standardSecret), "svix", false),
    standard("standardwebhooks verify", new standardwebhooks.Webhook(standardSecret), "standard", true),
    standard("standardwebhooks jsonParse: false", new standardwebhooks.Webhook(standardSecret), "standard", false),
  ];
}

/**
 * Returns ours with one backend for every size, if the runtime has it: shows at which size which backend is faster.
 *
 * @param {cronozen.Backend} backend
 * @returns {Contender[]}
 */
function forced(backend) {
  const method = backend === "subtle" ? "matchesAsync" : "matches";
  try {
    return ours(`cronozen-edge ${backend}`, cronozen, { backend }).filter(({ name }) => name.endsWith(` ${method}`));
  } catch {
    return [];
  }
}

/**
 * @param {string} build
 * @param {Pick<typeof cronozen, "Verifier">} module
 * @param {cronozen.VerifierOptions} [options]
 * @returns {Contender[]}
 */
function ours(build, { Verifier }, options) {
  const verifier = new Verifier(secret, options);
  const common = { header: /** @type {const} */ ("cronozen"), forms: both };
  return [
    {
      ...common,
      name: `${build} matches`,
      parses: false,
      accepts: (body, signature) => verifier.matches(body, signature),
    },
    {
      ...common,
      name: `${build} verify`,
      parses: true,
      accepts: (body, signature) => verifier.verify(body, signature) !== undefined,
    },
    {
      ...common,
      name: `${build} matchesAsync`,
      parses: false,
      accepts: (body, signature) => verifier.matchesAsync(body, signature),
    },
    {
      ...common,
      name: `${build} verifyAsync`,
      parses: true,
      accepts: async (body, signature) => (await verifier.verifyAsync(body, signature)) !== undefined,
    },
  ];
}

/** @returns {Contender} */
function nodeCrypto() {
  const key = createSecretKey(Buffer.from(secret));
  return {
    name: "node:crypto createHmac",
    forms: both,
    header: "cronozen",
    parses: false,
    accepts: (body, signature) => {
      const right = createHmac("sha256", key).update(body).digest();
      const given = Buffer.from(signature, "hex");
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

/** @returns {Promise<Contender>} */
async function webCrypto() {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("raw", new TextEncoder().encode(secret), algorithm, false, ["verify"]);
  return {
    name: "Web Crypto subtle.verify",
    forms: ["bytes"],
    header: "cronozen",
    parses: false,
    accepts: (body, signature) => subtle.verify("HMAC", key, Buffer.from(signature, "hex"), body),
  };
}

/** @returns {Contender} */
function noble() {
  const key = new TextEncoder().encode(secret);
  return {
    name: "@noble/hashes hmac",
    forms: ["bytes"],
    header: "cronozen",
    parses: false,
    accepts: (body, signature) => {
      const right = hmac(sha256, key, body);
      const given = hexToBytes(signature);
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

/** @returns {Contender} */
function octokit() {
  return {
    name: "@octokit/webhooks-methods verify",
    forms: ["string"],
    header: "github",
    parses: false,
    accepts: (body, signature) => verifyOctokit(secret, body, signature),
  };
}

/** @param {string} runtime @returns {Contender[]} */
function stripe(runtime) {
  const { webhooks } = Stripe;
  const { signature } = webhooks;
  const common = { forms: both, header: /** @type {const} */ ("stripe") };
  const tolerance = webhooks.DEFAULT_TOLERANCE;
  // Stripe's build for other runtimes has only Web Crypto, which is asynchronous.
  if (runtime !== "node") {
    return [
      {
        ...common,
        parses: true,
        name: "stripe constructEventAsync",
        accepts: async (body, header) => (await webhooks.constructEventAsync(body, header, secret)) !== undefined,
      },
      {
        ...common,
        parses: false,
        name: "stripe verifyHeaderAsync",
        accepts: (body, header) => signature?.verifyHeaderAsync(body, header, secret, tolerance) ?? false,
      },
    ];
  }
  return [
    {
      ...common,
      parses: true,
      name: "stripe constructEvent",
      accepts: (body, header) => webhooks.constructEvent(body, header, secret) !== undefined,
    },
    {
      ...common,
      parses: false,
      name: "stripe verifyHeader",
      accepts: (body, header) => signature?.verifyHeader(body, header, secret, tolerance) ?? false,
    },
  ];
}

/**
 * @param {string} name
 * @param {{ verify(body: any, headers: any, options?: any): unknown }} webhook
 * @param {"standard" | "svix"} header
 * @param {boolean} parses
 * @returns {Contender}
 */
function standard(name, webhook, header, parses) {
  // svix accepts no options, and never parses.
  const options = header === "standard" ? { jsonParse: parses } : undefined;
  return {
    name,
    forms: both,
    header,
    parses,
    buffer: true,
    accepts: (body, headers) => {
      webhook.verify(body, headers, options);
      return true;
    },
  };
}
