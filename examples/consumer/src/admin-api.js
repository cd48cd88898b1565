// The operator's requests over HTTP: list the dead letters, redrive one, or redrive all.
//
//   GET  /dead-letters?after=ID&limit=N&all=true
//   POST /dead-letters/ID/redrive?dry-run=true
//   POST /dead-letters/redrive?dry-run=true

import { authorize } from "./authorize.js";
import { listDeadLetters } from "./dead-letters.js";
import { log, said } from "./log.js";
import { countOpen, findDeadLetter, openDeadLetters, redrive } from "./redrive.js";

/**
 * @typedef {import("./index.js").Env} Env
 * @typedef {import("./redrive.js").Redriven} Redriven
 */

const defaultLimit = 50;

/** The answer for this many is about 400 KB. */
const maxLimit = 1000;

const noStore = { "cache-control": "no-store" };

/** @type {Record<number, string>} */
const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

/**
 * @param {Request} request
 * @param {Env} env
 * @returns {Promise<Response>}
 */
export async function answer(request, env) {
  const authorized = await authorize(request, env.ADMIN_TOKEN);
  if (authorized === "misconfigured") {
    log("error", "misconfigured", { name: "ADMIN_TOKEN" });
    return problem(500, "misconfigured", "secret ADMIN_TOKEN missing or shorter than 32 characters");
  }
  if (authorized === "no") {
    const detail = "token missing or wrong: send the header Authorization: Bearer ADMIN_TOKEN";
    return problem(401, "unauthorized", detail, {}, { "www-authenticate": "Bearer" });
  }
  try {
    return await route(request, env);
  } catch (error) {
    const reason = said(error);
    log("error", "unavailable", { reason });
    const cure = reason.includes("no such table") ? "apply the migrations" : "see the log, then try again";
    return problem(503, "unavailable", `D1 or the queue failed: ${cure}`);
  }
}

/** @param {Request} request @param {Env} env */
async function route(request, env) {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/dead-letters") {
    return request.method === "GET" ? list(searchParams, env) : methodNotAllowed("GET");
  }
  const redriving = /^\/dead-letters(?:\/(\d{1,15}))?\/redrive$/.exec(pathname);
  if (redriving === null) {
    return problem(
      404,
      "not_found",
      "no such path: expected /dead-letters, /dead-letters/ID/redrive or /dead-letters/redrive",
    );
  }
  if (request.method !== "POST") {
    return methodNotAllowed("POST");
  }
  if ((await request.text()) !== "") {
    // `curl -d dry-run=true` sends a body, and would not be a dry run.
    return problem(400, "invalid_parameter", "unexpected body: parameters go into the URL");
  }
  const invalid = invalidParameter(searchParams, { "dry-run": isBoolean });
  if (invalid !== undefined) {
    return invalid;
  }
  const dryRun = searchParams.get("dry-run") === "true";
  const id = redriving[1];
  const letters = id === undefined ? await openDeadLetters(env.DB) : [await findDeadLetter(env.DB, Number(id))];
  if (!letters.every((letter) => letter !== null)) {
    return problem(404, "not_found", `no dead letter ${id}`);
  }
  return report(dryRun, dryRun ? { redriven: letters, failed: [] } : await redrive(env, letters), env);
}

/** @param {URLSearchParams} parameters @param {Env} env */
async function list(parameters, { DB }) {
  const invalid = invalidParameter(parameters, { after: isNumber, limit: isLimit, all: isBoolean });
  if (invalid !== undefined) {
    return invalid;
  }
  const after = Number(parameters.get("after") ?? 0);
  const limit = Number(parameters.get("limit") ?? defaultLimit);
  const page = await listDeadLetters(DB, { after, limit, all: parameters.get("all") === "true" });
  return Response.json(page, { headers: noStore });
}

/**
 * Reports the result. `open` is the number of dead letters that have not been redriven.
 *
 * @param {boolean} dryRun
 * @param {Redriven} redriven
 * @param {Env} env
 */
async function report(dryRun, { redriven, failed }, { DB }) {
  const found = { dryRun, redriven, failed, open: await countOpen(DB) };
  return failed.length === 0
    ? Response.json(found, { headers: noStore })
    : problem(502, "not_redriven", "the queue has not accepted all: try again", found);
}

/**
 * Refuses unknown parameters: with a misspelt `dry-run`, a request would redrive.
 *
 * @param {URLSearchParams} parameters
 * @param {Record<string, (value: string) => boolean>} known
 */
function invalidParameter(parameters, known) {
  for (const [name, value] of parameters) {
    const isRight = Object.hasOwn(known, name) ? known[name] : undefined;
    if (isRight === undefined) {
      const names = Object.keys(known).join(", ");
      return problem(400, "invalid_parameter", `unknown parameter: expected ${names}`);
    }
    if (!isRight(value) || parameters.getAll(name).length > 1) {
      return problem(400, "invalid_parameter", `invalid value of ${name}, or more than one`);
    }
  }
}

/** @param {string} value */
function isBoolean(value) {
  return value === "true" || value === "false";
}

/** Returns true for a number that JavaScript can represent exactly. @param {string} value */
function isNumber(value) {
  return /^\d{1,15}$/.test(value);
}

/** @param {string} value */
function isLimit(value) {
  return isNumber(value) && Number(value) >= 1 && Number(value) <= maxLimit;
}

/** @param {string} allow */
function methodNotAllowed(allow) {
  return problem(405, "method_not_allowed", `method not allowed: send ${allow}`, {}, { allow });
}

/**
 * Returns a problem as in RFC 9457, like the gateway.
 *
 * @param {number} status
 * @param {string} code
 * @param {string} detail
 * @param {Record<string, unknown>} [more]
 * @param {Record<string, string>} [headers]
 */
function problem(status, code, detail, more = {}, headers = {}) {
  const body = { type: "about:blank", title: titles[status], status, code, detail, ...more };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", ...noStore, ...headers },
  });
}
