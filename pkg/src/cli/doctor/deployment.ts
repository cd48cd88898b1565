// Checks of the deployment: the webhook's URL leads to the gateway, and the gateway is in order.

import { setImmediate } from "node:timers/promises";
import { shown } from "../arguments.ts";
import { timeoutMs, unansweredBecause } from "../delivery.ts";
import { healthPath, pathOf, settingOf, strictMode } from "../gateway-settings.ts";
import { isLocal } from "../secrets.ts";
import type { Project } from "../workers.ts";
import { each, type Group, ok, problem, unknown, type Verdict } from "./check.ts";
import { optionsFor } from "./cure.ts";
import { mayRead } from "./gateway.ts";
import { verdictOnOther } from "./other-answer.ts";

/** An answer, or the reason why there is none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, if it is an object. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

/** The answers of the deployment. A text says why there is none, as `unansweredBecause` does, or by a code of TLS. */
export interface Deployment {
  readonly url: URL;
  readonly project: Project | undefined;
  readonly health: Answer | string;
  readonly webhook: Answer | string;
}

/** Distance is no problem: an answer this late leaves too little of the sender's 5 s. */
const slowMs = 4000;

/** An event that nobody has signed. The gateway refuses it before it reads it. */
const unsignedBody = '{"eventId":"evt_doctor","type":"cronozen-edge.doctor"}';

/** Asks the deployment. It sends one event that the gateway refuses, so nothing is queued. */
export async function visit(url: URL, project: Project | undefined): Promise<Deployment> {
  const headers = { "content-type": "application/json" };
  // The first request pays for the connection and the Worker's start, so that the time of the second one counts.
  const health = await ask(new URL(healthPath, url), {});
  // Node gives the connection back one turn of the event loop after the answer's end.
  await setImmediate();
  const webhook = await ask(url, { method: "POST", headers, body: unsignedBody });
  return { url, project, health, webhook };
}

export const deployment: Group<Deployment> = {
  name: "deployment",
  checks: {
    https: ({ url }) =>
      url.protocol === "https:" || isLocal(url)
        ? ok("the URL is encrypted, or on this machine")
        : problem("URL not encrypted: others can read the events", `Register https://${url.host}${url.pathname}`),
    url_path: ({ url, project }) => {
      const path = project && pathOf(project.gateway);
      if (project?.gateway === undefined || path === undefined) {
        return;
      }
      return path === url.pathname
        ? ok(`the URL ends in ${path}`)
        : problem(
            `path not the webhook's: the URL has ${url.pathname}, and the settings say ${path}`,
            `Register ${url.origin}${path}`,
          );
    },
    webhook_answer: (facts) => {
      const { webhook, url } = facts;
      return isRefusal(webhook) ? ok(`the gateway answers at ${shown(url)}`) : verdictOnOther(webhook, url);
    },
    answer_time: ({ webhook }) => {
      if (typeof webhook === "string") {
        return;
      }
      return webhook.ms < slowMs
        ? ok(`the answer took ${webhook.ms} ms`)
        : problem(
            `answer slow: it took ${webhook.ms} ms, and Cronozen gives up after ${timeoutMs} ms`,
            "Look for a slow proxy or a slow Worker in front of the gateway, and look again.",
          );
    },
    health: ({ health, url }) => healthOf(health, url),
    health_hints: ({ health, project }) => {
      const worker = project?.gateway;
      const hints = typeof health === "string" ? [] : list(health.json.hints);
      return each(hints, (hint) => {
        const [, name, meant] = /^unknown name (\w+): did you mean (\w+)\?$/.exec(hint) ?? [];
        if (name === undefined) {
          return problem(`mistake in the deployment: ${hint}`, "Correct the settings, and deploy.");
        }
        return worker !== undefined && mayRead(worker, name)
          ? unknown(
              `name not the gateway's: it does not read ${name} in the deployment, but the code has the name`,
              `If ${meant} is meant, rename ${name} in the settings, and deploy.`,
            )
          : problem(
              `name unknown: the gateway does not read ${name} in the deployment`,
              `Rename ${name} to ${meant} in the settings, and deploy.`,
            );
      });
    },
    deployed_mode: ({ health, project }) => {
      if (typeof health === "string" || health.json.status !== "ok" || project?.gateway === undefined) {
        return;
      }
      const mode = settingOf(project.gateway, "DEDUPE") ?? "kv";
      return health.json.dedupe === mode
        ? ok(`the deployment is in ${mode === strictMode ? "strict" : mode} mode, as the settings say`)
        : problem(
            `settings not deployed: DEDUPE is ${mode} here, and ${health.json.dedupe} there`,
            `Deploy them: npx wrangler deploy${optionsFor(project, project.gateway)}`,
          );
    },
  },
  summary: ({ url, health, webhook }) =>
    [
      `${shown(url)} is the gateway's`,
      ...(typeof webhook === "string" ? [] : [`${webhook.ms} ms`]),
      ...(typeof health === "string" ? [] : [`version ${health.json.version}, ${count(health.json.secrets)}`]),
    ].join("; "),
};

/** Returns true if this is how the gateway refuses a delivery without a signature. */
function isRefusal(answer: Answer | string): boolean {
  return (
    typeof answer !== "string" &&
    (answer.headers.get("content-type") ?? "").startsWith("application/problem+json") &&
    ((answer.status === 401 && answer.json.code === "invalid_signature") ||
      // After too many of them, from this address.
      (answer.status === 429 && answer.json.code === "too_many_failures"))
  );
}

function healthOf(health: Answer | string, url: URL): Verdict {
  const cure = `Look at the answer: curl ${url.origin}${healthPath}`;
  if (typeof health === "string") {
    return unknown(`health not known: ${health.replaceAll("_", " ")}`, cure);
  }
  if (health.status === 200 && health.json.status === "ok") {
    return ok(`version ${health.json.version} with ${count(health.json.secrets)}`);
  }
  if (health.status === 500 && health.json.code === "misconfigured") {
    const wrong = (Array.isArray(health.json.problems) ? health.json.problems : []).map((problem) => {
      const { name, expected, found } = Object(problem);
      return `${name}: expected ${expected}, got ${found}`;
    });
    return problem(
      `gateway misconfigured, so it refuses every event: ${wrong.join("; ")}`,
      "Correct the settings, and deploy. A secret is set with npx wrangler secret put.",
    );
  }
  return unknown(`health not known: another program answers ${health.status} at ${url.host}${healthPath}`, cure);
}

function count(secrets: unknown): string {
  return secrets === 1 ? "1 signing secret" : `${secrets} signing secrets`;
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

async function ask(url: URL, init: RequestInit): Promise<Answer | string> {
  const started = performance.now();
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    const ms = Math.round(performance.now() - started);
    return { status: response.status, headers: response.headers, text, json: objectIn(text), ms };
  } catch (error) {
    const reason = unansweredBecause(error);
    // Failures of TLS have cures of their own.
    return reason === "unreachable" ? ((error as { cause?: { code?: string } }).cause?.code ?? reason) : reason;
  }
}

function objectIn(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
