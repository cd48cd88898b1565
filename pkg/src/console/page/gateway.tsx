// The gateway as it reports itself: settings, secrets, deployments.

import type { ComponentChildren } from "preact";
import type { GatewayStatus } from "../../activity.ts";
import type { Status } from "../status.ts";
import { problemsOf } from "./findings.ts";
import { formatBytes, formatCount } from "./numbers.ts";
import { Badge, Fact, Facts, Id, Table } from "./parts.tsx";
import { Time } from "./time.tsx";
import { knownActivity } from "./verdict.ts";

const logs = "https://dash.cloudflare.com/?to=/:account/workers-and-pages";

const modes: Readonly<Record<string, string>> = {
  "durable-object": "strict: a Durable Object keeps which events were seen",
  kv: "Workers KV: two deliveries at almost the same time may both be accepted",
};

export function GatewayCard({ status }: { readonly status: Status }) {
  const activity = knownActivity(status);
  const gateway = activity?.gateways[0];
  return (
    <section class="card" id="gateway" aria-labelledby="gateway-title">
      <header class="heading">
        <h2 id="gateway-title">Gateway</h2>
        <a href={logs} target="_blank" rel="noreferrer">
          Logs at Cloudflare
        </a>
      </header>
      {gateway === undefined ? (
        <p class="muted">
          {activity === undefined
            ? "The gateway's state is not known here, because its Activity is not bound or does not answer."
            : "The gateway reports its state with its first delivery. Until then, /healthz of the gateway shows it."}
        </p>
      ) : (
        <Health gateway={gateway} />
      )}
      {activity && (
        <Facts>
          <Fact name="Log lines, 24 h">
            {formatCount(activity.received)} received,{" "}
            {activity.lost > 0 ? <Badge tone="warn">{formatCount(activity.lost)} lost</Badge> : "none lost"}
          </Fact>
          <Fact name="Rows written today">
            <Share of={activity.rowsToday} most={activity.rowBudget} label="Rows written today">
              {formatCount(activity.rowsToday)} of {formatCount(activity.rowBudget)}{" "}
              <span class="muted">by Activity: many log lines make one row</span>
            </Share>
            {activity.rowsToday >= activity.rowBudget && (
              <p class="muted">The budget is used up: until midnight UTC, counts come once a minute.</p>
            )}
          </Fact>
          <Fact name="Records kept">
            {formatCount(activity.records)}, {formatBytes(activity.bytes)}
          </Fact>
        </Facts>
      )}
    </section>
  );
}

function Health({ gateway }: { readonly gateway: GatewayStatus }) {
  const { health, keys } = gateway;
  const problems = problemsOf(gateway);
  const hints = Array.isArray(health.hints) ? health.hints.map(String) : [];
  const mode = String(health.dedupe ?? "");
  const secrets = Math.max(Number(health.secrets ?? 0), ...Object.keys(keys).map((position) => Number(position) + 1));
  return (
    <>
      {[...problems, ...hints].map((text) => (
        <p key={text} class={`notice ${problems.includes(text) ? "bad" : "warn"}`}>
          {text}
        </p>
      ))}
      <Facts>
        <Fact name="State">
          {problems.length === 0 ? <Badge tone="good">ready</Badge> : <Badge tone="bad">misconfigured</Badge>}
          {typeof health.version === "string" && <span class="muted"> version {health.version}</span>}
        </Fact>
        {mode !== "" && <Fact name="Dedupe">{modes[mode] ?? mode}</Fact>}
        {typeof health.maxBodyBytes === "number" && (
          <Fact name="Largest body">{formatCount(health.maxBodyBytes)} bytes</Fact>
        )}
        {Array.from({ length: secrets }, (_, position) => (
          <Fact key={position} name={secretName(position, secrets)}>
            {keys[position] === undefined ? (
              <span class="muted">has matched no delivery since this deployment</span>
            ) : (
              <>
                matched {formatCount(keys[position].deliveries)} since this deployment, last at{" "}
                <Time at={keys[position].lastAt} />
              </>
            )}
          </Fact>
        ))}
      </Facts>
    </>
  );
}

function secretName(position: number, secrets: number): string {
  if (secrets === 1) {
    return "Secret";
  }
  return position === 0 ? "Newest secret" : `Secret ${position + 1}`;
}

export function DeploymentsCard({ gateways }: { readonly gateways: readonly GatewayStatus[] }) {
  return gateways.length === 0 ? null : (
    <div class="stack">
      <h2>Deployments of the gateway</h2>
      <Table
        label="Deployments of the gateway"
        columns={["Deployment", "Tag", "State", "First log line", "Last log line"]}
      >
        {gateways.map((gateway) => (
          <tr key={gateway.firstAt + gateway.deployment}>
            <td>
              {gateway.deployment === null ? (
                <span class="muted">no id: bind CF_VERSION_METADATA</span>
              ) : (
                <Id value={gateway.deployment} characters={8} />
              )}
            </td>
            <td>{gateway.tag || <span class="muted">–</span>}</td>
            <td>
              {gateway.health.problems === undefined ? (
                <Badge tone="good">ready</Badge>
              ) : (
                <Badge tone="bad">misconfigured</Badge>
              )}
            </td>
            <td data-name="First">
              <Time at={gateway.firstAt} />
            </td>
            <td data-name="Last">
              <Time at={gateway.lastAt} withAge />
            </td>
          </tr>
        ))}
      </Table>
    </div>
  );
}

interface ShareProps {
  readonly of: number;
  readonly most: number;
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A number beside its limit, and a bar. */
export function Share({ of, most, label, children }: ShareProps) {
  return (
    <>
      {children}
      <progress value={Math.min(of, most)} max={most} aria-label={label} />
    </>
  );
}
