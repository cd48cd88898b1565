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
  const both = [env.CRONOZEN_SIGNING_SECRET_NEXT, env.CRONOZEN_SIGNING_SECRET];
  return both.flatMap((secrets) => secrets?.split(/\s+/) ?? []).filter((secret) => secret !== "");
}
