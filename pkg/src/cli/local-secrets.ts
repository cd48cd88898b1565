// The secrets for this machine, in .dev.vars, which git ignores.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "./output.ts";
import { variablesIn } from "./project.ts";
import { secretsIn, usableToken } from "./secrets.ts";

/** The secrets, and what is made up for each. */
const kinds = {
  CRONOZEN_SIGNING_SECRET: () => `whsec_${randomBytes(32).toString("hex")}`,
  ADMIN_TOKEN: () => randomBytes(32).toString("hex"),
};

/** The newest signing secret, and the token of the console. */
export interface LocalSecrets {
  readonly secret: string;
  readonly token: string;
  /** The names of those that were made up now. */
  readonly created: readonly string[];
}

/** Returns the secrets in a project's .dev.vars. Makes up those that are missing or empty, and writes them there. */
export function localSecrets(folder: string): LocalSecrets {
  const file = join(folder, ".dev.vars");
  const example = `${file}.example`;
  const source = [file, example].find((path) => existsSync(path));
  let text = source === undefined ? "" : readFileSync(source, "utf8");
  const found = source === undefined ? {} : variablesIn(source);
  const created: string[] = [];
  for (const [name, make] of Object.entries(kinds)) {
    if (secretsIn(found[name]).length === 0) {
      text = withVariable(text, name, make());
      created.push(name);
    }
  }
  if (created.length > 0 || source !== file) {
    writeFileSync(file, text, { mode: 0o600 });
  }
  const { CRONOZEN_SIGNING_SECRET: list, ADMIN_TOKEN: token = "" } = variablesIn(file);
  if (!usableToken.test(token)) {
    throw new Failure(
      "ADMIN_TOKEN in .dev.vars unusable: 32 characters of ASCII or more without a space are expected. Empty it to get a new one",
    );
  }
  const [secret = ""] = secretsIn(list);
  return { secret, token, created };
}

/** Returns the text with the variable's line replaced, or with a further line. */
function withVariable(text: string, name: string, value: string): string {
  const line = `${name}="${value}"`;
  const present = new RegExp(`^${name}\\s*=.*$`, "m");
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  return present.test(text) ? text.replace(present, line) : `${text}${separator}${line}\n`;
}
