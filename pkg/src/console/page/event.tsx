// The view of one event: how it stands, and all that happened to it.

import { useContext } from "preact/hooks";
import { useLocation } from "preact-iso";
import { viewPath, withQuery } from "./api.ts";
import { EraseButton } from "./erase.tsx";
import { Filters, TextField } from "./filters.tsx";
import { LoadError } from "./notice.tsx";
import { formatDuration } from "./numbers.ts";
import { CopyCurl, Empty, Fact, Facts, Heading, Id, Loading, Outcome } from "./parts.tsx";
import { standingOf } from "./standing.ts";
import { StatusContext } from "./status.ts";
import { Time } from "./time.tsx";
import { deliveriesOf, type EventAnswer, isKnown, type Step, timelineOf } from "./timeline.ts";
import { type Loaded, useAnswer } from "./use-answer.ts";
import { knownActivity } from "./verdict.ts";

const everyMs = 5000;

export function Event() {
  const { query, route } = useLocation();
  const { id = "" } = query;
  const path = withQuery("event", { id });
  const loaded = useAnswer<EventAnswer>(id === "" ? undefined : path, { everyMs, mayChange });
  const { answer, error } = loaded;
  const isUnknown = error?.code === "not_found" && answer === undefined;
  const standing = answer && standingOf(answer, Date.now());
  return (
    <>
      <Heading title="Event">
        {id !== "" && <CopyCurl path={path} />}
        {answer !== undefined && <EraseButton eventId={answer.eventId} onErased={loaded.reload} />}
      </Heading>
      <Filters label="Search" onSubmit={(values) => values.id && route(viewPath("event", values))}>
        <TextField label="Event id" name="id" isId size={40} value={id} />
        <button type="submit" class="primary">
          Search
        </button>
        <a class="button" href={viewPath("events")}>
          All events
        </a>
      </Filters>
      {!isUnknown && <LoadError loaded={loaded} />}
      {isUnknown && <UnknownEvent id={id} />}
      {loaded.isLoading && answer === undefined && !isUnknown && id !== "" && <Loading />}
      {answer !== undefined && standing !== undefined && (
        <>
          <section class={`notice ${standing.tone}`} aria-label="State" role="status">
            <strong>{standing.title}</strong>
            <p>{standing.text}</p>
            {standing.view !== undefined && (
              <a href={viewPath(standing.view)}>Open {nameOf(standing.view).toLowerCase()}</a>
            )}
          </section>
          <Head event={answer} />
          <Timeline event={answer} />
        </>
      )}
    </>
  );
}

/** An event that waits is looked for again, and one that may still come. */
function mayChange({ answer, error }: Pick<Loaded<EventAnswer>, "answer" | "error">): boolean {
  return answer === undefined ? error !== undefined : standingOf(answer, Date.now()).isMoving === true;
}

function Head({ event }: { readonly event: EventAnswer }) {
  const { eventId, type, createdAt, receivedAt, history, deliveries } = event;
  const isInLedger = history.some(({ outcome }) => outcome !== "dead" && outcome !== "redriven");
  const taken = deliveriesOf(event);
  const first = isKnown(deliveries) ? deliveries[0] : undefined;
  const shownType = type ?? first?.type;
  return (
    <section class="card" aria-label="Event">
      <Facts>
        <Fact name="Event id">
          <Id value={eventId} />
        </Fact>
        <Fact name="Type">
          {shownType == null ? (
            <span class="muted">not known</span>
          ) : (
            <a href={viewPath("events", { type: shownType })}>{shownType}</a>
          )}
        </Fact>
        <Fact name="Created">
          {createdAt === null ? (
            <span class="muted">{isInLedger ? "not known" : "shown once the event is handled"}</span>
          ) : (
            <Time at={createdAt} withAge />
          )}
        </Fact>
        <Fact name="Arrived">
          <Time at={receivedAt ?? first?.at} withAge />
        </Fact>
        {taken !== "" && <Fact name="Deliveries">{taken}</Fact>}
      </Facts>
    </section>
  );
}

function Timeline({ event }: { readonly event: EventAnswer }) {
  const { deliveries } = event;
  return (
    <section class="card">
      <h2>What happened</h2>
      {!isKnown(deliveries) && (
        <p class="muted">
          Its deliveries are not known:{" "}
          {deliveries === null
            ? "the gateway's Activity is not bound here. Bind it as ACTIVITY, and add the option activity to deadLetters()."
            : `${deliveries.unavailable}. Reload to ask again.`}
        </p>
      )}
      {isKnown(deliveries) && deliveries.length === 0 && (
        <p class="muted">Records of its deliveries are not kept any more, or were erased.</p>
      )}
      <ol class="timeline">
        {timelineOf(event).map((step) => (
          <StepItem key={`${step.at} ${step.outcome} ${step.view} ${step.text}`} step={step} />
        ))}
      </ol>
    </section>
  );
}

function StepItem({ step: { at, afterMs, outcome, text, reason, view } }: { readonly step: Step }) {
  return (
    <li>
      <div class="when">
        <Time at={at} />
        <span class="muted">{afterMs === null ? "" : `+${formatDuration(afterMs)}`}</span>
      </div>
      <Outcome name={outcome} />
      <div>
        {text} {view !== undefined && <a href={viewPath(view)}>{nameOf(view)}</a>}
        {reason !== undefined && <p class="muted">{reason}</p>}
      </div>
    </li>
  );
}

/** Returns `Dead letter 7` for `dead-letters/7`. */
function nameOf(view: string): string {
  const [list, id] = view.split("/");
  return `${list === "deliveries" ? "Delivery" : "Dead letter"} ${id}`;
}

function UnknownEvent({ id }: { readonly id: string }) {
  const { answer } = useContext(StatusContext);
  const isRecorded = answer !== undefined && knownActivity(answer) !== undefined;
  return (
    <Empty title="Nothing is known of this event.">
      {isRecorded
        ? "It has never arrived with a right signature, or it waits on the queue and its deliveries are older than what is kept. "
        : "It has never arrived with a right signature, or it waits on the queue: its deliveries are not recorded here, or cannot be read now. "}
      Compare the id: it is searched exactly, and case counts. A refused delivery may have no id: look for its time in
      the <a href={viewPath("deliveries")}>deliveries</a>. If it is not there either, retry the event at Cronozen. This
      page looks again by itself.
      {id !== id.trim() && (
        <>
          {" "}
          The id has white space around it. <a href={viewPath("event", { id: id.trim() })}>Search without it</a>
        </>
      )}
    </Empty>
  );
}
