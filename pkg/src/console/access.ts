// Finds out who sends a request: by Cloudflare Access, by a session, or by the token.

import { log } from "../consumer/log.ts";
import { type Application, verifyAssertion } from "./assertion.ts";
import { isFlood } from "./failures.ts";
import { Problem } from "./problem.ts";
import { hmacKey, sessionOf } from "./session.ts";
import type { Access } from "./settings.ts";

/** Who may use the console, and how that is known. */
export interface Operator {
  /** For the audit. */
  readonly name: string;
  readonly by: "access" | "session" | "token";
  /** As RFC 3339; only of a session. */
  readonly expiresAt?: string;
}

/** The part of the Worker's context that Cloudflare Access fills in. */
interface AccessContext {
  readonly aud: string;
  getIdentity(): Promise<{ readonly email?: string; readonly user_uuid?: string } | undefined>;
}

const encoder = new TextEncoder();

/** Returns who an operator is, for the audit. A name that somebody chose at the login is marked as such. */
export function actorOf({ name, by }: Operator): string {
  return `${name} (${by})`;
}

/**
 * Returns who sends a request. The token and its sessions come first: they work without Access's keys.
 *
 * @throws Problem if there is no right credential
 */
export async function authenticate(request: Request, access: Access, context: unknown): Promise<Operator> {
  const { token, application } = access;
  const operator =
    (token === undefined ? undefined : await byToken(request, token)) ??
    (application && (await byAccess(request, application, context)));
  if (operator === undefined) {
    // The page asks for the token only where there is one.
    const [code, cure] =
      token === undefined
        ? ["access_required", "come through Cloudflare Access"]
        : ["unauthorized", "send the token, or log in"];
    throw new Problem(401, code, `no valid credential: ${cure}`, { "www-authenticate": "Bearer" });
  }
  return operator;
}

async function byAccess(request: Request, application: Application, context: unknown): Promise<Operator | undefined> {
  const { access }: { access?: AccessContext } = Object(context);
  // Another application of the same team protects something else.
  if (access !== undefined && access.aud === application.audience) {
    const identity = await access.getIdentity();
    return { name: identity?.email ?? identity?.user_uuid ?? "service token", by: "access" };
  }
  const assertion = request.headers.get("cf-access-jwt-assertion");
  const payload = assertion === null ? undefined : await verifyAssertion(assertion, application);
  // People have an email, service tokens a common_name.
  const name = payload && [payload.email, payload.common_name, payload.sub].find((claim) => isName(claim));
  return name === undefined ? undefined : { name, by: "access" };
}

async function byToken(request: Request, token: string): Promise<Operator | undefined> {
  const [, bearer] = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  if (bearer !== undefined) {
    await assertToken(bearer, token, request);
    return { name: "ADMIN_TOKEN", by: "token" };
  }
  const session = await sessionOf(request, token, Date.now());
  return session && { name: session.name, by: "session", expiresAt: new Date(session.expiresAt).toISOString() };
}

/**
 * Checks a token. A right one is never refused, however many wrong ones come.
 *
 * @throws Problem if it is wrong
 */
export async function assertToken(given: string, token: string, request: Request): Promise<void> {
  if (await isEqual(given, token)) {
    return;
  }
  if (isFlood(Date.now())) {
    throw new Problem(429, "too_many_failures", "too many wrong tokens: wait a minute", { "retry-after": "60" });
  }
  log("warn", "login_failed", { address: request.headers.get("cf-connecting-ip") });
  throw new Problem(401, "unauthorized", "token wrong", { "www-authenticate": "Bearer" });
}

/** Compares in a time that depends on the length of `given` alone: both are hashed with a key that nobody knows. */
async function isEqual(given: string, expected: string): Promise<boolean> {
  const key = await hmacKey(crypto.getRandomValues(new Uint8Array(32)));
  const hash = await crypto.subtle.sign("HMAC", key, encoder.encode(expected));
  return crypto.subtle.verify("HMAC", key, hash, encoder.encode(given));
}

function isName(claim: unknown): claim is string {
  return typeof claim === "string" && claim !== "";
}

/**
 * Refuses a change that another site may have sent with the operator's cookie. Browsers send `Origin` with each change; a
 * request that has neither that nor a cookie comes from no browser.
 */
export function assertSameOrigin(request: Request, { by }: Pick<Operator, "by">): void {
  const origin = request.headers.get("origin");
  const fromNoBrowser =
    origin === null && request.headers.get("sec-fetch-site") === null && request.headers.get("cookie") === null;
  if (origin !== new URL(request.url).origin && !(fromNoBrowser && by !== "session")) {
    throw new Problem(403, "cross_site", "request from another origin: changes come from the console's own");
  }
}

/**
 * Refuses a read that another site has the operator's browser send. That site cannot see the answer, but a read costs, and the
 * cookie of Access may go along.
 */
export function assertOwnSite(request: Request): void {
  const site = request.headers.get("sec-fetch-site");
  if (site === "cross-site" || site === "same-site") {
    throw new Problem(403, "cross_site", "request from another site: open the console itself");
  }
}
