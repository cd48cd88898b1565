// Verifies the assertion of Cloudflare Access: a signed token (JWT) that Access adds to each request.
// https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { log, reasonOf } from "../consumer/log.ts";
import { dayMs, hourMs, minuteMs } from "../consumer/time.ts";
import { isPlain } from "../kind.ts";
import { isFlood } from "./failures.ts";
import { Problem } from "./problem.ts";

/*! Contains jose (MIT, https://github.com/panva/jose) */

/** An Access application. */
export interface Application {
  readonly issuer: string;
  readonly audience: string;
}

/** Access changes its keys every six weeks, and publishes the next one before it uses it. */
const keysLastMs = hourMs;

/** While they cannot be fetched, keys of this age are still used. */
const oldKeysLastMs = dayMs;

/** An unknown key, or a failure, has the keys fetched again, but not more often: anyone can name a key. */
const fetchAgainMs = minuteMs;

const fetchTimeoutMs = 5000;

/** The published keys as JSON. A promise would belong to the request that made it. */
interface CachedKeys {
  issuer: string;
  keys: JSONWebKeySet | undefined;
  fetchedAt: number;
  failedAt: number;
}

let cached: CachedKeys | undefined;

/** Returns what an assertion says, or undefined if it is not Access's for this application and this time. */
export async function verifyAssertion(assertion: string, application: Application): Promise<JWTPayload | undefined> {
  const first = await keysOf(application.issuer, keysLastMs);
  try {
    return await verifyWith(first, assertion, application);
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) {
      return refused(error);
    }
  }
  try {
    return await verifyWith(await keysOf(application.issuer, fetchAgainMs), assertion, application);
  } catch (error) {
    return error instanceof Problem ? Promise.reject(error) : refused(error);
  }
}

async function verifyWith(keys: JSONWebKeySet, assertion: string, { issuer, audience }: Application) {
  const { payload } = await jwtVerify(assertion, createLocalJWKSet(keys), {
    issuer,
    audience,
    algorithms: ["RS256"],
    requiredClaims: ["exp", "aud"],
  });
  return payload;
}

function refused(error: unknown): undefined {
  if (!isFlood(Date.now())) {
    // The text of this error quotes the assertion, which anyone can send.
    const reason = error instanceof errors.JOSENotSupported ? error.code : reasonOf(error);
    log("warn", "assertion_refused", { reason });
  }
}

async function keysOf(issuer: string, lastMs: number): Promise<JSONWebKeySet> {
  const now = Date.now();
  const never = { issuer, keys: undefined, fetchedAt: 0, failedAt: 0 };
  const known = cached?.issuer === issuer ? cached : never;
  const { keys, fetchedAt, failedAt } = known;
  if (keys !== undefined && now - fetchedAt < lastMs) {
    return keys;
  }
  if (now - failedAt >= fetchAgainMs) {
    const fetched = await fetchKeys(issuer);
    if (fetched !== undefined) {
      cached = { issuer, keys: fetched, fetchedAt: now, failedAt: 0 };
      return fetched;
    }
    cached = { ...known, failedAt: now };
  }
  if (keys === undefined || now - fetchedAt > oldKeysLastMs) {
    throw new Problem(503, "unavailable", "credential not checked: try again in a minute");
  }
  return keys;
}

async function fetchKeys(issuer: string): Promise<JSONWebKeySet | undefined> {
  try {
    const response = await fetch(`${issuer}/cdn-cgi/access/certs`, { signal: AbortSignal.timeout(fetchTimeoutMs) });
    const keys: unknown = response.ok ? await response.json() : undefined;
    if (!isKeySet(keys)) {
      throw new Error(`answer ${response.status} without keys`);
    }
    return keys;
  } catch (error) {
    log("error", "access_keys_missing", { issuer, reason: reasonOf(error) });
    return undefined;
  }
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return isPlain(value) && Array.isArray(value.keys);
}
