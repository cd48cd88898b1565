// The local signing secret, in .dev.vars, which git ignores.

import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { Complaint, root } from "./command.mjs";

const file = join(root, ".dev.vars");
const name = "CRONOZEN_SIGNING_SECRET";

/** The newest local signing secret; made if there is none. */
export function localSecret() {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const list = parseEnv(text)[name];
  if (list === undefined) {
    const secret = `whsec_${randomBytes(32).toString("hex")}`;
    const separator = text === "" || text.endsWith("\n") ? "" : "\n";
    appendFileSync(file, `${separator}${name}="${secret}"\n`, { mode: 0o600 });
    console.log("- made a local signing secret in .dev.vars");
    return secret;
  }
  const [newest] = list.split(/\s+/).filter(Boolean);
  if (newest === undefined) {
    throw new Complaint(`${name} in .dev.vars is empty: set it, or remove the line to have one made`);
  }
  return newest;
}
