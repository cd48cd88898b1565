// The signing secrets in the Worker's environment.

/** The two settings in which the gateway, too, has its secrets. */
export interface SigningSecrets {
  readonly CRONOZEN_SIGNING_SECRET?: string | undefined;
  readonly CRONOZEN_SIGNING_SECRET_NEXT?: string | undefined;
}

/**
 * Returns the signing secrets, newest first: those in `CRONOZEN_SIGNING_SECRET_NEXT`, which is optional, and those in
 * `CRONOZEN_SIGNING_SECRET`, each separated by white space. For the option `secrets` of `consume`.
 */
export function signingSecrets(env: SigningSecrets): string[] {
  return [env.CRONOZEN_SIGNING_SECRET_NEXT, env.CRONOZEN_SIGNING_SECRET].flatMap((secrets) => secretsIn(secrets ?? ""));
}

/** Splits secrets where the gateway does. `\s` has U+FEFF, too, which the gateway refuses. */
export function secretsIn(secrets: string): string[] {
  return secrets.split(/\p{White_Space}+/u).filter((secret) => secret !== "");
}
