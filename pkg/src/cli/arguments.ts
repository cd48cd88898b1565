// The values that people give to commands: URLs and numbers.

import { InvalidArgumentError } from "commander";
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

/** Returns a parser of whole numbers from 1 to `most`. */
export function numberUpTo(most: number): (text: string) => number {
  return (text) => {
    if (!/^[1-9]\d{0,15}$/.test(text) || Number(text) > most) {
      throw new InvalidArgumentError(`A whole number from 1 to ${most} is expected.`);
    }
    return Number(text);
  };
}
