// The overview: a verdict in one sentence, figures and plots.

import { useContext } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { ActivitySummary, ActivityUnit } from "../../activity.ts";
import type { IncidentPage } from "../../alerts/incidents.ts";
import type { Losses } from "../../consumer/losses.ts";
import type { Status } from "../status.ts";
import { isLocal, viewPath } from "./api.ts";
import { Figures } from "./figures.tsx";
import { DeploymentsCard, GatewayCard } from "./gateway.tsx";
import { LoadError } from "./notice.tsx";
import { AlertsCard, LostEvents } from "./overview-cards.tsx";
import { CopyCurl, Heading, Id, Loading } from "./parts.tsx";
import { Plots } from "./plots.tsx";
import { StatusContext } from "./status.ts";
import { Time } from "./time.tsx";
import { type Loaded, useAnswer } from "./use-answer.ts";
import { type FindingLink, knownActivity, type Finding as VerdictFinding, verdictOf } from "./verdict.ts";

const minutesMs = 30_000;

/** Alerts run every 5 minutes. */
const incidentsMs = 60_000;

/** A look for lost events makes up to 15 subrequests. */
const lossesMs = 300_000;

/** An older answer is not judged if the request for a newer one has failed. */
const oldMs = 300_000;

/** The first ones are enough here. */
const maxIncidents = 10;

export function Overview() {
  const { query } = useLocation();
  const by: ActivityUnit = query.by === "hour" || query.by === "day" ? query.by : "minute";
  const status = useContext(StatusContext);
  const isBound = status.answer?.activity !== null;
  const minutes = useAnswer<ActivitySummary>(isBound ? "activity?by=minute" : undefined, { everyMs: minutesMs });
  const incidents = useAnswer<IncidentPage>(`incidents?state=open&limit=${maxIncidents}`, { everyMs: incidentsMs });
  const losses = useAnswer<Losses>(isBound ? "losses" : undefined, { everyMs: lossesMs });
  const { answer } = status;
  return (
    <>
      <Heading title="Overview">
        <CopyCurl path="status" />
      </Heading>
      <LoadError loaded={status} />
      {answer === undefined ? (
        status.isLoading && <Loading />
      ) : (
        <>
          <Verdict status={{ ...status, answer }} minutes={minutes} incidents={incidents} losses={losses} />
          <Figures status={answer} minutes={minutes.answer} losses={losses.answer} />
          <LostEvents losses={losses} />
          <Plots by={by} status={answer} minutes={minutes} />
          <div class="columns">
            <AlertsCard status={answer} incidents={incidents} />
            <GatewayCard status={answer} />
          </div>
          <DeploymentsCard gateways={knownActivity(answer)?.gateways ?? []} />
        </>
      )}
    </>
  );
}

interface VerdictProps {
  readonly status: Loaded<Status> & { readonly answer: Status };
  readonly minutes: Loaded<ActivitySummary>;
  readonly incidents: Loaded<IncidentPage>;
  readonly losses: Loaded<Losses>;
}

/** Waits for what it judges: "all is well" must not come first. */
function Verdict({ status, minutes, incidents, losses }: VerdictProps) {
  if ([minutes, incidents, losses].some((loaded) => loaded.isLoading && loaded.loadedAt === 0)) {
    return (
      <div class="notice verdict">
        <Loading />
      </div>
    );
  }
  const now = Date.now();
  const isOld = ({ error, loadedAt }: Loaded<unknown>) => error !== undefined && now - loadedAt > oldMs;
  const judged: readonly (readonly [name: string, loaded: Loaded<unknown>])[] = [
    ["the status", status],
    ["the open incidents", incidents],
    // Without Activity, the verdict says so.
    ...(knownActivity(status.answer) === undefined
      ? []
      : ([
          ["the deliveries of the last hour", minutes],
          ["the lost events", losses],
        ] as const)),
  ];
  const { others, ...first } = verdictOf({
    status: status.answer,
    minutes: isOld(minutes) ? undefined : minutes.answer,
    incidents: isOld(incidents) ? undefined : incidents.answer?.incidents,
    losses: isOld(losses) ? undefined : losses.answer,
    unread: judged.filter(([, loaded]) => isOld(loaded)).map(([name]) => name),
    now,
    isLocal,
  });
  return (
    <section class={`notice verdict ${first.tone}`} aria-label="Verdict">
      <h2>
        <span role="status">{first.title}</span>
      </h2>
      <Sentence finding={first} />
      {first.name === "nothing_arrived" && <Start />}
      {others.length > 0 && (
        <ul>
          {others.map((finding) => (
            <li key={`${finding.name} ${finding.title}`} class={finding.tone}>
              <strong>{finding.title}.</strong>{" "}
              <Sentence finding={finding.links === undefined ? finding : { ...finding, text: "" }} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Sentence({ finding: { text, at, links = [] } }: { readonly finding: VerdictFinding }) {
  return (
    <p>
      {text}
      {at !== undefined && (
        <>
          {" "}
          <Time at={at} withAge />.
        </>
      )}{" "}
      {links.map((link) => (
        <a key={link.name} href={addressOf(link)}>
          {link.name}
        </a>
      ))}
    </p>
  );
}

function addressOf({ view, parameters }: FindingLink): string {
  return view.startsWith("#") ? view : viewPath(view, parameters);
}

/** The first steps. */
function Start() {
  const command = `npx --no cronozen-edge send payment.completed ${location.origin}`;
  return (
    <ol>
      <li>
        Send a sample from your project's directory: <Id value={command} />
      </li>
      <li>
        Register the gateway's address with Cronozen, and set the secret that it shows as CRONOZEN_SIGNING_SECRET. By
        default, the address is <Id value={`${location.origin}/webhooks/cronozen`} />
      </li>
    </ol>
  );
}
