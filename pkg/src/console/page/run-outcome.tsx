// Shows what becomes of the dead letters of a redrive, while its dialog is open.

import { useRef } from "preact/hooks";
import type { LetterPage, LetterState } from "../../consumer/letters.ts";
import { maxLimit } from "../fields.ts";
import { viewPath, withQuery } from "./api.ts";
import { formatCount } from "./numbers.ts";
import { filterOf, type Plan, statesOf } from "./redrive-run.ts";
import { useAnswer } from "./use-answer.ts";
import { wordsOf } from "./words.ts";

const everyMs = 3000;

/** Most events have an outcome by then. A handler that fails may be tried for an hour. */
const followMs = 60_000;

/** In their order; the first three are shown if there is none, too. */
const shown: readonly LetterState[] = ["handled", "failed_again", "redriven", "outdated", "ignored", "erased"];

interface RunOutcomeProps {
  readonly plan: Plan;
  readonly ids: readonly number[];
  readonly onLeave: () => void;
}

export function RunOutcome({ plan: { groups, parts }, ids, onLeave }: RunOutcomeProps) {
  const since = useRef(Date.now());
  const before = ids.reduce((one, other) => Math.max(one, other)) + 1;
  const { answer } = useAnswer<LetterPage>(withQuery("dead-letters", { state: "redriven", before, limit: maxLimit }), {
    everyMs,
    mayChange: ({ answer }) => {
      const isMoving = answer === undefined || statesOf(ids, answer.deadLetters).has("redriven");
      return isMoving && Date.now() - since.current < followMs;
    },
  });
  const states = answer && statesOf(ids, answer.deadLetters);
  const found = [...(states?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  const counts = shown.flatMap((state, position) => {
    const count = states?.get(state) ?? 0;
    const name = state === "redriven" ? "on their way" : wordsOf(state);
    return count > 0 || position < 3 ? `${name} ${formatCount(count)}` : [];
  });
  return (
    <div role="status" class="stack">
      {states !== undefined && (
        <p>
          So far: <strong>{counts.join(", ")}</strong>
          {found < ids.length && <span class="muted"> (of {formatCount(found)} that were looked up)</span>}
        </p>
      )}
      {states?.has("failed_again") && <FailedAgain groups={groups} onLeave={onLeave} />}
      <p class="muted">
        {states?.has("redriven") && "An event whose handler fails is tried again for a while. "}
        <a href={viewPath("dead-letters", { ...filterOf(parts), state: "redriven" })} onClick={onLeave}>
          The list of redriven ones
        </a>{" "}
        shows what becomes of them.
      </p>
    </div>
  );
}

/** A new dead letter has the type of the old one, and maybe another reason. */
function FailedAgain({ groups, onLeave }: { readonly groups: Plan["groups"]; readonly onLeave: () => void }) {
  const [type, ...others] = new Set(groups.map((group) => group.type));
  return (
    <div class="notice bad">
      <strong>Those that failed again are back as new dead letters</strong>
      <p>
        Look at the reason of{" "}
        <a href={viewPath("dead-letters", others.length > 0 ? {} : { type })} onClick={onLeave}>
          the newest open ones
        </a>{" "}
        before you redrive them.
      </p>
    </div>
  );
}
