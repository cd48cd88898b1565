// The local secrets, in .dev.vars, which git ignores.

import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { Complaint, root } from "./command.mjs";

const file = join(root, ".dev.vars");

/** wrangler looks for secrets beside the Worker's settings. */
const demoFile = join(root, "scripts", "demo", ".dev.vars");

/** The console accepts no shorter token. */
const minTokenCharacters = 32;

/** Returns the newest local signing secret and the token of the console. Creates those that are missing. */
export function localSecrets() {
  const list = localValue("CRONOZEN_SIGNING_SECRET", "signing secret", "whsec_");
  const token = localValue("ADMIN_TOKEN", "token of the console");
  if (token.length < minTokenCharacters) {
    throw new Complaint(
      `ADMIN_TOKEN in .dev.vars has fewer than ${minTokenCharacters} characters: remove it to get a new one`,
    );
  }
  // Removes any earlier file with other secrets, or a broken link.
  rmSync(demoFile, { force: true });
  symlinkSync(join("..", "..", ".dev.vars"), demoFile);
  return { secret: String(list.split(/\s+/, 1)), token };
}

/**
 * @param {string} name
 * @param {string} what
 * @param {string} [prefix]
 */
function localValue(name, what, prefix = "") {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const value = parseEnv(text)[name]?.trim();
  if (value === "") {
    throw new Complaint(`${name} in .dev.vars is empty: set it, or remove the line to get a new one`);
  }
  if (value !== undefined) {
    return value;
  }
  const made = `${prefix}${randomBytes(32).toString("hex")}`;
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  appendFileSync(file, `${separator}${name}="${made}"\n`, { mode: 0o600 });
  console.log(`- created a local ${what} in .dev.vars`);
  return made;
}
