// The addresses that people give to commands.

import { Failure } from "./output.ts";

/** Returns the URL that is given, with a path for one that has none. */
export function addressOf(given: string, defaultPath: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new Failure("URL unusable: one that begins with http:// or https:// is expected");
  }
  if (url.username !== "" || url.password !== "") {
    throw new Failure("URL unusable: it holds a user name or a password");
  }
  url.hash = "";
  if (url.pathname === "/") {
    url.pathname = defaultPath;
  }
  return url;
}

/** Returns a URL as it may be printed: its query may hold a secret. */
export function shown({ origin, pathname }: URL): string {
  return origin + pathname;
}
