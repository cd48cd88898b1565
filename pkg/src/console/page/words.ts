// The words and the tones of outcomes, states and rules.

export type Tone = "good" | "bad" | "warn" | "info" | "quiet";

/** The tone of an outcome or a state, wherever it is shown. */
export const tones: Readonly<Record<string, Tone>> = {
  accepted: "good",
  handled: "good",
  duplicate: "quiet",
  outdated: "quiet",
  ignored: "quiet",
  erased: "quiet",
  redriven: "info",
  rejected: "warn",
  failed: "bad",
  failed_again: "bad",
  dead: "bad",
  open: "bad",
  closed: "good",
  trapped: "bad",
  marker_failed: "warn",
  late_commit: "warn",
  late_send_failed: "warn",
};

/** The names that the page calls otherwise. */
const words: Readonly<Record<string, string>> = { rejected: "refused", dead: "dead letter" };

/** Returns the name of an outcome, a code or a rule in words. */
export function wordsOf(name: string): string {
  return words[name] ?? name.replaceAll("_", " ");
}
