// The view of one delivery: its record, what it means, and what to do.

import { useRoute } from "preact-iso";
import type { ActivityRecord, DeliveryPage } from "../../activity.ts";
import { viewPath } from "./api.ts";
import { explain } from "./codes.ts";
import { DeliveryTable } from "./deliveries.tsx";
import { LoadError } from "./notice.tsx";
import { formatCount, formatDuration } from "./numbers.ts";
import { CopyCurl, Empty, Fact, Facts, Heading, Id, Loading, Outcome } from "./parts.tsx";
import { Time } from "./time.tsx";
import { type EventAnswer, recordsOf } from "./timeline.ts";
import { useAnswer } from "./use-answer.ts";
import { tones } from "./words.ts";

export function Delivery() {
  const { params } = useRoute();
  const position = Number(params.position);
  const isPosition = Number.isSafeInteger(position) && position >= 0;
  const path = `deliveries?before=${position + 1}&limit=1`;
  const loaded = useAnswer<DeliveryPage>(isPosition ? path : undefined);
  const { answer } = loaded;
  const [record] = answer?.deliveries ?? [];
  return (
    <>
      <Heading title={`Delivery ${params.position}`}>
        <a href={viewPath("deliveries")}>All deliveries</a>
        {isPosition && <CopyCurl path={path} />}
      </Heading>
      <LoadError loaded={loaded} />
      {loaded.isLoading && answer === undefined && <Loading />}
      {record?.position === position && <Record record={record} />}
      {(!isPosition || (answer !== undefined && record?.position !== position)) && (
        <Missing position={isPosition ? position : undefined} />
      )}
    </>
  );
}

/** A position above that of the newest record has never been given. */
function Missing({ position }: { readonly position: number | undefined }) {
  const { answer, isLoading } = useAnswer<DeliveryPage>(position === undefined ? undefined : "deliveries?limit=1");
  const link = <a href={viewPath("deliveries")}>Show the newest deliveries</a>;
  if (isLoading) {
    return <Loading />;
  }
  return position === undefined || position > (answer?.deliveries[0]?.position ?? Number.POSITIVE_INFINITY) ? (
    <Empty title="There is no such delivery.">The address is wrong. {link}</Empty>
  ) : (
    <Empty title="This delivery is not kept any more.">
      Records last 30 days, or until the quota of their kind is full. An erasure of its event removes it, too. The
      Worker's log may still have its line. {link}
    </Empty>
  );
}

function Record({ record }: { readonly record: ActivityRecord }) {
  const { outcome, eventId } = record;
  const { title, meaning, cure, isDiagnosable } = explain(record);
  return (
    <>
      <section class={`notice ${tones[outcome] ?? ""}`} aria-label="What it means">
        <strong>{title}</strong>
        <p>{meaning}</p>
        <p>{cure}</p>
        {eventId !== undefined && <a href={viewPath("event", { id: eventId })}>Show the event</a>}
        {isDiagnosable && (
          <p>
            {/* It is a page of its own. */}
            <a href={viewPath("diagnose")}>Diagnose the request</a>: paste its body, its header and the secret. They
            stay in your browser.
          </p>
        )}
      </section>
      <section class="card" aria-label="Record">
        <RecordFacts record={record} />
      </section>
      {eventId !== undefined && <SameEvent record={record} eventId={eventId} />}
    </>
  );
}

function RecordFacts({ record }: { readonly record: ActivityRecord }) {
  const { at, outcome, code, reason, eventId, type, ms, bytes, dedupe, key, address, ray, count } = record;
  const { status } = explain(record);
  return (
    <Facts>
      <Fact name="Arrived">
        <Time at={at} withAge />
      </Fact>
      <Fact name="Outcome">
        <Outcome name={outcome} />
      </Fact>
      {code !== undefined && (
        <Fact name="Answer">
          {status} <code>{code}</code>
        </Fact>
      )}
      {count !== undefined && <Fact name="Deliveries">{count}, in one line</Fact>}
      {reason !== undefined && <Fact name="Reason">{reason}</Fact>}
      <Fact name="Event">
        {eventId === undefined ? (
          <span class="muted">not known: only a right signature makes it believable</span>
        ) : (
          <Id value={eventId} href={viewPath("event", { id: eventId })} />
        )}
      </Fact>
      {type !== undefined && (
        <Fact name="Type">
          <a href={viewPath("deliveries", { type })}>{type}</a>
        </Fact>
      )}
      {ms !== undefined && <Fact name="Took">{formatDuration(ms)}</Fact>}
      {bytes !== undefined && <Fact name="Body">{formatCount(bytes)} bytes</Fact>}
      {key !== undefined && (
        <Fact name="Secret">
          {key === 0 ? "the newest one matched" : `the one at position ${key} matched; 0 is the newest`}
        </Fact>
      )}
      {dedupe !== undefined && (
        <Fact name="Seen before">
          {dedupe === "new" ? "no" : "unknown: KV could not say, so the event may be on the queue twice"}
        </Fact>
      )}
      {address !== undefined && (
        <Fact name="Address">
          <Id value={address} /> · <a href={viewPath("deliveries", { address })}>deliveries from this address</a>
        </Fact>
      )}
      {ray !== undefined && (
        <Fact name="Ray">
          <Id value={ray} /> <span class="muted">· Cloudflare's id of the request</span>
        </Fact>
      )}
    </Facts>
  );
}

/** A failure is not shown: the event's own page shows it. */
function SameEvent({ record, eventId }: { readonly record: ActivityRecord; readonly eventId: string }) {
  const { answer } = useAnswer<EventAnswer>(`event?${new URLSearchParams({ id: eventId })}`);
  if (answer === undefined) {
    return null;
  }
  const others = recordsOf(answer).filter(({ position }) => position !== record.position);
  return (
    <section class="stack">
      <h2>Other records of the event</h2>
      {others.length === 0 ? (
        <p class="muted">There is none. Its page shows what became of it.</p>
      ) : (
        <DeliveryTable rows={others} label="Other records of the event" />
      )}
    </section>
  );
}
