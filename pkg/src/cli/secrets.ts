// The secrets that commands use: from the environment or, for a Worker on this machine, from .dev.vars.

import { signingSecrets } from "../consumer/secrets.ts";
import { Failure } from "./output.ts";
import { variablesIn } from "./project.ts";

/** The file from which `wrangler dev` reads the secrets. */
const localFile = ".dev.vars";

/** The gateway takes at most so many signing secrets. */
export const mostSecrets = 8;

/** The console takes no other token: pkg/src/console/settings.ts. */
export const usableToken = /^[\x21-\x7e]{32,}$/;

/** Returns the signing secrets in a variable's value, split as the gateway and the consumer do. */
export function secretsIn(value: string | undefined): string[] {
  return signingSecrets({ CRONOZEN_SIGNING_SECRET: value });
}

/** Returns the newest signing secret, with which Cronozen signs. */
export function signingSecret(url: URL): string {
  const [newest = ""] = secretsFor("CRONOZEN_SIGNING_SECRET", url);
  return newest;
}

/** Returns the token of the admin API. */
export function adminToken(url: URL): string {
  // Joined again, so that white space within it is refused.
  const token = secretsFor("ADMIN_TOKEN", url).join(" ");
  // fetch's own error would quote it.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new Failure("ADMIN_TOKEN unusable: printable ASCII characters without a space are expected");
  }
  return token;
}

/** Says if a URL is on this machine. */
export function isLocal({ hostname }: URL): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

function secretsFor(name: string, url: URL): string[] {
  const local = isLocal(url);
  // A terminal must not send the secrets of a development to a production.
  const secrets = secretsIn(process.env[name] || (local ? variablesIn(localFile)[name] : undefined));
  if (secrets.length === 0) {
    const missing = local ? `${name} neither set nor in ${localFile} of this folder` : `${name} not set`;
    throw new Failure(`${missing}: run read -rs ${name}; export ${name}, then paste it and press Enter`);
  }
  return secrets;
}
