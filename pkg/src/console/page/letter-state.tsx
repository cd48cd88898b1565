// The state of a dead letter in words.

import type { Letter, LetterState as Name } from "../../consumer/letters.ts";
import { Badge, tones } from "./parts.tsx";

const names: Partial<Record<Name, string>> = { redriven: "on its way", failed_again: "failed again" };

export function LetterState({ letter: { state } }: { readonly letter: Letter }) {
  return <Badge tone={tones[state] ?? "quiet"}>{names[state] ?? state}</Badge>;
}
