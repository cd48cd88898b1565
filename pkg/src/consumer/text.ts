// Shortens what a sender may make as long as it likes.

/** The gateway accepts eventIds of 256 bytes; a type may have any length. */
const maxCharacters = 256;

/** Returns at most the first 256 characters, for the log and for the tables. */
export function shortened<Text extends string | null | undefined>(text: Text): Text | string {
  return typeof text === "string" ? text.slice(0, maxCharacters) : text;
}
