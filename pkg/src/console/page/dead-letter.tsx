// The view of one dead letter.

import type { ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import type { Letter, ShownLetter } from "../../consumer/letters.ts";
import { viewPath } from "./api.ts";
import { LetterState } from "./letter-row.tsx";
import { Message } from "./message.tsx";
import { LoadError } from "./notice.tsx";
import { formatBytes } from "./numbers.ts";
import { CopyCurl, Fact, Facts, Heading, Id, Loading } from "./parts.tsx";
import { hintOf } from "./reasons.ts";
import { type Action, partsOf } from "./redrive-run.ts";
import { RunContext } from "./runs.tsx";
import { Time } from "./time.tsx";
import { useAnswer } from "./use-answer.ts";

/** One that is on its way soon has an outcome. */
const everyMs = 5000;

export function DeadLetter() {
  const { id = "" } = useRoute().params;
  const { route } = useLocation();
  // An id from the address could lead to another path of the API.
  const path = `dead-letters/${encodeURIComponent(id)}`;
  const loaded = useAnswer<ShownLetter>(path, { everyMs, mayChange: ({ answer }) => answer?.state === "redriven" });
  const { answer, reload, isLoading } = loaded;
  const open = useContext(RunContext);
  const run = (action: Action, letter: Letter) =>
    open({
      action,
      parts: partsOf(action, [letter]),
      onTheirWay: letter.state === "redriven" ? 1 : 0,
      onClose: (done) => (action === "prune" && done > 0 ? route(viewPath("dead-letters")) : reload()),
    });
  return (
    <>
      <Heading title={`Dead letter ${id}`}>
        <CopyCurl path={path} />
        {answer && (
          <>
            <button type="button" onClick={() => run("redrive", answer)}>
              Redrive…
            </button>
            <button type="button" class="danger" onClick={() => run("prune", answer)}>
              Prune…
            </button>
          </>
        )}
      </Heading>
      <LoadError loaded={loaded} />
      {answer === undefined ? (
        isLoading && <Loading />
      ) : (
        <>
          <Standing letter={answer} />
          <div class="card">
            <LetterFacts letter={answer} />
          </div>
          <Message key={answer.id} id={answer.id} text={answer.text} bytes={answer.bytes} />
        </>
      )}
      <p>
        <a href={viewPath("dead-letters")}>All open dead letters</a>
      </p>
    </>
  );
}

/** The reason, and what to do about it, or what has become of the event since. */
function Standing({ letter }: { readonly letter: Letter }) {
  const { reason, state } = letter;
  const hint = hintOf(reason);
  const hasFailed = state === "open" || state === "failed_again";
  const isSettled = isEnd(letter);
  return (
    <div class={`notice ${isSettled ? "good" : !hasFailed ? "" : hint?.mustNotRedrive ? "bad" : "warn"}`}>
      <strong>{reason ?? "No reason: the consumer has not given one"}</strong>
      <p>{meaning(letter)}</p>
      {hasFailed && !isSettled && <p>{hint?.text ?? "Remove the cause, deploy the consumer, then redrive."}</p>}
    </div>
  );
}

/** Returns true if nothing needs to be done: its event has an outcome, maybe by a copy. */
function isEnd({ state, handledAt }: Letter): boolean {
  return handledAt !== null && state !== "failed_again" && state !== "redriven";
}

function LetterFacts({ letter }: { readonly letter: Letter }) {
  const { eventId, type, attempts, failedAt, queue, storedAt, redrivenAt, redrives, bytes } = letter;
  return (
    <Facts>
      <Fact name="State">
        <LetterState letter={letter} />
      </Fact>
      <Fact name="Event">
        {eventId === null ? (
          <span class="muted">no event id could be read</span>
        ) : (
          <Id value={eventId} href={viewPath("event", { id: eventId })} />
        )}
      </Fact>
      <Fact name="Type">{type ?? <span class="muted">–</span>}</Fact>
      <Fact name="Attempts">{attempts ?? <span class="muted">not known</span>}</Fact>
      <Fact name="Failed">
        <Time at={failedAt} withAge />
      </Fact>
      <Fact name="Stored">
        <Time at={storedAt} withAge />
      </Fact>
      <Fact name="Queue">
        <code>{queue}</code>
      </Fact>
      <Fact name="Redriven">
        {redrivenAt === null ? (
          "never"
        ) : (
          <>
            <Time at={redrivenAt} withAge />
            {redrives > 1 && ` (${redrives} times)`}
          </>
        )}
      </Fact>
      <Fact name="Size">{formatBytes(bytes)}</Fact>
    </Facts>
  );
}

function meaning({ state, handledAt }: Letter): ComponentChildren {
  const time = <Time at={handledAt} />;
  switch (state) {
    case "open":
      return handledAt === null ? (
        "Nobody has redriven it."
      ) : (
        <>Its event has an outcome since {time}: a copy was handled. This one can be pruned.</>
      );
    case "redriven":
      return "It was put on the queue. If it stays like this for days, the queue has lost it: redrive it again.";
    case "failed_again":
      return "Its event has failed again, and has a newer dead letter. This one can be pruned.";
    case "outdated":
      return "A newer event of the same entity had been handled. This one can be pruned.";
    case "ignored":
      return "The handler of its type ignores it. This one can be pruned.";
    default:
      return (
        <>
          Its event was {state} at {time}. This one can be pruned.
        </>
      );
  }
}
