// Checks the token that allows its holder to see and redrive dead letters.

/** A shorter one might be guessed. */
const minTokenCharacters = 32;

/** A token that fits into a header without being escaped. */
const usable = new RegExp(`^[\\x21-\\x7e]{${minTokenCharacters},}$`);

const encoder = new TextEncoder();

/**
 * @param {Request} request
 * @param {string | undefined} token
 * @returns {Promise<"yes" | "no" | "misconfigured">}
 */
export async function authorize(request, token) {
  if (token === undefined || !usable.test(token)) {
    return "misconfigured";
  }
  const [, given] = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  if (given === undefined) {
    return "no";
  }
  // Hashed first: the comparison requires equal lengths, and its duration must not depend on the token.
  const [hash, expected] = await Promise.all([sha256(given), sha256(token)]);
  return crypto.subtle.timingSafeEqual(hash, expected) ? "yes" : "no";
}

/** @param {string} text */
function sha256(text) {
  return crypto.subtle.digest("SHA-256", encoder.encode(text));
}
