// The settings of access, from the Worker's environment.

import type { Application } from "./assertion.ts";
import { Problem } from "./problem.ts";

/** The settings that say who may use the console: a token, Cloudflare Access, or both. */
export interface AccessSettings {
  /** A secret of 32 characters or more. */
  readonly ADMIN_TOKEN?: string | undefined;
  /** The team's name in Cloudflare Access: `acme` of `acme.cloudflareaccess.com`. */
  readonly ACCESS_TEAM?: string | undefined;
  /** The audience tag (AUD) of the Access application. */
  readonly ACCESS_AUDIENCE?: string | undefined;
}

/** The settings, checked. At least one of them is there. */
export interface Access {
  token: string | undefined;
  application: Application | undefined;
}

/** A token that fits into a header without being escaped. A shorter one might be guessed. */
const usableToken = /^[\x21-\x7e]{32,}$/;

const usableTeam = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * Returns the settings of access.
 *
 * @throws Problem that names a setting, if none is there or one cannot be used: nothing is shown then
 */
export function accessOf(env: unknown): Access {
  const { ADMIN_TOKEN: token, ACCESS_TEAM: team, ACCESS_AUDIENCE: audience }: AccessSettings = Object(env);
  if (isSet(token) && !usableToken.test(token)) {
    throw misconfigured("ADMIN_TOKEN shorter than 32 characters, or with white space");
  }
  if (isSet(team) !== isSet(audience)) {
    throw misconfigured("ACCESS_TEAM and ACCESS_AUDIENCE: one of them is missing");
  }
  if (isSet(team) && !usableTeam.test(team)) {
    throw misconfigured("ACCESS_TEAM not a team's name, such as acme of acme.cloudflareaccess.com");
  }
  if (!isSet(token) && !isSet(team)) {
    throw misconfigured("ADMIN_TOKEN missing, and ACCESS_TEAM and ACCESS_AUDIENCE, too");
  }
  const issuer = `https://${team}.cloudflareaccess.com`;
  return {
    token: isSet(token) ? token : undefined,
    application: isSet(audience) ? { issuer, audience } : undefined,
  };
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}

function misconfigured(detail: string): Problem {
  return new Problem(500, "misconfigured", detail);
}
