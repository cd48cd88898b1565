// The view of one incident: what was found, what to look at next, the messages, and the mute.

import type { ComponentChildren } from "preact";
import { useRoute } from "preact-iso";
import type { ShownIncident, SinkState } from "../../alerts/incidents.ts";
import { type Detail, maxAttempts } from "../../alerts/message.ts";
import { viewPath } from "./api.ts";
import { Mute } from "./incident-mute.tsx";
import { closingOf, nextSteps } from "./incident-steps.ts";
import { LoadError } from "./notice.tsx";
import { Badge, CopyCurl, Fact, Facts, Heading, Id, Loading, Outcome, Table } from "./parts.tsx";
import { Time } from "./time.tsx";
import { useAnswer } from "./use-answer.ts";

const everyMs = 30_000;

export function Incident() {
  const { id = "" } = useRoute().params;
  const path = `incidents/${encodeURIComponent(id)}`;
  const loaded = useAnswer<ShownIncident>(path, { everyMs });
  const { answer } = loaded;
  return (
    <>
      <Heading title={answer?.title ?? `Incident ${id}`}>
        <CopyCurl path={path} />
      </Heading>
      <LoadError loaded={loaded} />
      {answer === undefined ? (
        loaded.isLoading && <Loading />
      ) : (
        <>
          <div class="columns">
            <Found incident={answer} />
            <div class="stack">
              <Next incident={answer} />
              {answer.closedAt === null && <Mute loaded={loaded} incident={answer} />}
            </div>
          </div>
          <Details rule={answer.rule} details={answer.details} />
          <Sinks incident={answer} />
        </>
      )}
    </>
  );
}

function Found({ incident }: { readonly incident: ShownIncident }) {
  const { id, rule, text, openedAt, seenAt, closedAt, messages, messageAt } = incident;
  return (
    <section class="card" aria-labelledby="found">
      <h2 id="found">What was found</h2>
      <p>{text}</p>
      <Facts>
        <Fact name="State">
          <Outcome name={closedAt === null ? "open" : "closed"} />
        </Fact>
        <Fact name="Opened">
          <Time at={openedAt} withAge />
        </Fact>
        <Fact name="Last seen">
          <Time at={seenAt} withAge />
        </Fact>
        {closedAt !== null && (
          <Fact name="Closed">
            <Time at={closedAt} withAge />
          </Fact>
        )}
        <Fact name="Messages due">
          {messages}, the last one at <Time at={messageAt} />
        </Fact>
        <Fact name="Rule">
          <code>{rule}</code>
        </Fact>
        <Fact name="Incident">{id}</Fact>
      </Facts>
    </section>
  );
}

function Next({ incident: { rule, closedAt } }: { readonly incident: ShownIncident }) {
  const { links, also } = nextSteps(rule);
  return (
    <section class="card" aria-labelledby="next">
      <h2 id="next">What to look at next</h2>
      <ul class="steps">
        {links.map(([href, name]) => (
          <li key={href}>
            <a href={href}>{name}</a>
          </li>
        ))}
      </ul>
      {also !== undefined && <p>{also}</p>}
      <p class="muted">
        {closedAt === null ? closingOf(rule) : "It has closed by itself. Details are not kept for closed incidents."}
      </p>
    </section>
  );
}

/** The details are a flat list: each event begins with its id. */
function Details({ rule, details }: { readonly rule: string; readonly details: readonly Detail[] }) {
  if (details[0]?.name !== "event") {
    return details.length === 0 ? null : (
      <section class="card" aria-labelledby="details">
        <h2 id="details">Details</h2>
        <Facts>
          {details.map(({ name, value }) => (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ))}
        </Facts>
      </section>
    );
  }
  const names = [...new Set(details.map(({ name }) => name))];
  const groups: Map<string, string>[] = [];
  for (const { name, value } of details) {
    if (name === "event") {
      groups.push(new Map());
    }
    groups.at(-1)?.set(name, value);
  }
  return (
    <section class="stack" aria-labelledby="events">
      <h2 id="events">The newest of these events</h2>
      <Table label="Newest events" columns={names.map((name) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`)}>
        {groups.map((group, position) => (
          <tr key={position}>
            {names.map((name) => (
              <td key={name} class={name === "reason" ? "reason" : undefined}>
                {detail(rule, name, group.get(name))}
              </td>
            ))}
          </tr>
        ))}
      </Table>
    </section>
  );
}

/** A value that was cut ends with three dots, and would find nothing. */
function detail(rule: string, name: string, value = "–"): ComponentChildren {
  if (value === "null") {
    return <span class="muted">{name === "event" ? "without an id" : "–"}</span>;
  }
  if (value.endsWith("…") || (name !== "event" && name !== "type")) {
    return value;
  }
  return name === "event" ? (
    <Id value={value} href={viewPath("event", { id: value })} />
  ) : (
    <a href={viewPath(rule === "dead_letter" ? "dead-letters" : "deliveries", { type: value })}>{value}</a>
  );
}

function Sinks({ incident: { sinks } }: { readonly incident: ShownIncident }) {
  return (
    <section class="stack" aria-labelledby="sinks">
      <h2 id="sinks">Messages</h2>
      {sinks.length === 0 ? (
        <p class="muted">
          No sink has a message of this incident: none was set up when it was due, or the incident was muted. The list
          of <a href={viewPath("incidents")}>incidents</a> says if a sink is missing.
        </p>
      ) : (
        <Table
          label="The newest message for each sink"
          columns={["Sink", "Message", "State", { name: "Due", class: "wide" }, "Reason"]}
        >
          {sinks.map((sink) => (
            <Sink key={sink.sink} state={sink} />
          ))}
        </Table>
      )}
    </section>
  );
}

function Sink({ state: { sink, kind, dueAt, sentAt, attempts, failedAt, reason } }: { readonly state: SinkState }) {
  const tried = attempts === 1 ? "tried once" : `tried ${attempts} times`;
  return (
    <tr>
      <td>{sink}</td>
      <td>{kind}</td>
      <td>
        {sentAt !== null ? (
          <>
            <Badge tone="good">sent</Badge> <Time at={sentAt} />
          </>
        ) : failedAt === null ? (
          <Badge tone="quiet">waits for the next run</Badge>
        ) : (
          <>
            <Badge tone="bad">{attempts >= maxAttempts ? "given up" : "failed"}</Badge>{" "}
            <small>
              {tried}, last at <Time at={failedAt} />
            </small>
          </>
        )}
      </td>
      <td class="wide">
        <Time at={dueAt} />
      </td>
      <td class="reason">{sentAt === null ? reason : ""}</td>
    </tr>
  );
}
