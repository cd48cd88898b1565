// The session of an operator who has logged in with the token: a signed cookie. Nothing is stored, and another token ends
// all sessions, because its signatures differ.

import { hourMs } from "../consumer/time.ts";

/** Who has logged in, and until when. */
export interface Session {
  readonly name: string;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
}

const sessionMs = 12 * hourMs;

/** The prefix has browsers refuse the cookie unless it is this host's own, and came over HTTPS. */
const cookieName = "__Host-cronozen-console";

const attributes = "Path=/; HttpOnly; Secure; SameSite=Strict";

/** Keeps these signatures apart from all others that a key might make. */
const purpose = "cronozen-edge console session\n";

const encoder = new TextEncoder();

/** Returns a new session, and the value of `Set-Cookie` for it. */
export async function startSession(name: string, token: string, now: number): Promise<[Session, cookie: string]> {
  const session = { name, expiresAt: now + sessionMs };
  const payload = encoded(encoder.encode(JSON.stringify(session)));
  const signature = await crypto.subtle.sign(
    "HMAC",
    await hmacKey(encoder.encode(token)),
    encoder.encode(purpose + payload),
  );
  const value = `${payload}.${encoded(new Uint8Array(signature))}`;
  return [session, `${cookieName}=${value}; Max-Age=${sessionMs / 1000}; ${attributes}`];
}

/** The value of `Set-Cookie` that has the browser forget a session. */
export const endedCookie = `${cookieName}=; Max-Age=0; ${attributes}`;

/** Returns the session of a request's cookie, if its signature is right and it has not expired. */
export async function sessionOf(request: Request, token: string, now: number): Promise<Session | undefined> {
  const cookies = (request.headers.get("cookie") ?? "").split(/; */);
  const value = cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
  const [payload = "", signature = ""] = value?.split(".") ?? [];
  const bytes = decoded(signature);
  if (value === undefined || bytes === undefined) {
    return undefined;
  }
  // Constant in time, by the standard.
  const isOurs = await crypto.subtle.verify(
    "HMAC",
    await hmacKey(encoder.encode(token)),
    bytes,
    encoder.encode(purpose + payload),
  );
  const session: Session | undefined = isOurs ? JSON.parse(new TextDecoder().decode(decoded(payload))) : undefined;
  return session !== undefined && now < session.expiresAt ? session : undefined;
}

export function hmacKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

function encoded(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
