// Starts and ends sessions.

import { assertSameOrigin, assertToken } from "./access.ts";
import { bodyOf, type Kind, text } from "./fields.ts";
import { answerOf, Problem } from "./problem.ts";
import { endedCookie, startSession } from "./session.ts";
import type { Access } from "./settings.ts";

const maxTokenCharacters = 1024;

const maxNameCharacters = 64;

/** Characters that cannot be seen, or that turn the order of others. */
const hidden = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\u200b\u2060\ufeff]/u;

/** In the audit, a name must not look like that of somebody else. */
const nameOf: Kind<string> = (value) => {
  const name = text(maxNameCharacters)(value);
  return name === undefined || name.trim() === "" || hidden.test(name) ? undefined : name;
};

export async function login(request: Request, { token }: Access): Promise<Response> {
  assertPost(request);
  assertSameOrigin(request, { by: "token" });
  const fields = await bodyOf(request, { name: nameOf, token: text(maxTokenCharacters) });
  if (token === undefined) {
    throw new Problem(404, "not_found", "no login: this console is behind Cloudflare Access alone");
  }
  if (fields.name === undefined || fields.token === undefined) {
    throw new Problem(400, "invalid_parameter", "name or token missing");
  }
  await assertToken(fields.token, token, request);
  const [session, cookie] = await startSession(fields.name, token, Date.now());
  const { name, expiresAt } = session;
  return answerOf({ name, by: "session", expiresAt: new Date(expiresAt).toISOString() }, { "set-cookie": cookie });
}

export function logout(request: Request): Response {
  assertPost(request);
  return answerOf({ status: "logged_out" }, { "set-cookie": endedCookie });
}

function assertPost({ method }: Request): void {
  if (method !== "POST") {
    throw new Problem(405, "method_not_allowed", "method not allowed: send POST", { allow: "POST" });
  }
}
