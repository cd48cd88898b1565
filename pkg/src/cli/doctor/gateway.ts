// Checks of the gateway's settings and bindings, by the rules of docs/configuration.md.

import { type Limits, limits, pathOf, settingOf, strictMode } from "../gateway-settings.ts";
import type { Project, Worker } from "../workers.ts";
import { kindsIn, nameMeantBy, queueOf } from "./bindings.ts";
import { each, type Group, ok, problem, unknown, type Verdict } from "./check.ts";
import { addEntry, nameAll, setIn } from "./cure.ts";
import { checkRoutes } from "./routes.ts";

/** The names that the gateway and the consumer know. crates/gateway/src/hints.rs has the gateway's. */
const knownNames = [
  ...["CRONOZEN_SIGNING_SECRET", "CRONOZEN_SIGNING_SECRET_NEXT", "DEDUPE", "MIGRATE_FROM_KV", "DEDUPE_TTL_SECONDS"],
  ...["REPLAY", "MAX_BODY_BYTES", "DEADLINE_MS", "WEBHOOK_PATH", "FORGET"],
  ...["SEEN", "EVENTS", "DEDUPER", "BODIES", "FAILURES", "ACTIVITY", "CF_VERSION_METADATA"],
  ...["EVENTS_QUEUE", "ADMIN_TOKEN", "ACCESS_TEAM", "ACCESS_AUDIENCE"],
];

export const gateway: Group<Project> = {
  name: "gateway",
  checks: {
    gateway_here: ({ gateway, workers }) =>
      gateway === undefined
        ? unknown(
            "gateway not found: no Worker in these settings imports cronozen-edge/worker",
            nameAll(workers, "../gateway/wrangler.toml"),
          )
        : ok(`${gateway.file} is the gateway's`),
    events_bound: (project) => needs(project, "EVENTS", "producer of a queue", "events have no queue to go to"),
    dedupe: ({ gateway }) => choice(gateway, "DEDUPE", ["kv", strictMode]),
    migrate_from_kv: ({ gateway }) => choice(gateway, "MIGRATE_FROM_KV", ["true", "false"]),
    dedupe_store: (project) => {
      const mode = settingOf(project.gateway, "DEDUPE") ?? "kv";
      if (mode === strictMode) {
        return needs(project, "DEDUPER", "Durable Object class", `DEDUPE = "${strictMode}" remembers events there`);
      }
      return mode === "kv" ? needs(project, "SEEN", "KV namespace", 'DEDUPE = "kv" remembers events there') : undefined;
    },
    migration_source: (project) =>
      settingOf(project.gateway, "DEDUPE") === strictMode && settingOf(project.gateway, "MIGRATE_FROM_KV") === "true"
        ? needs(project, "SEEN", "KV namespace", "MIGRATE_FROM_KV = true looks for events there")
        : undefined,
    dedupe_ttl: (project) => number(project, "DEDUPE_TTL_SECONDS"),
    replay: ({ gateway }) => choice(gateway, "REPLAY", ["accept", "refuse"]),
    max_body_bytes: (project) => number(project, "MAX_BODY_BYTES"),
    bodies_bound: (project) =>
      Number(settingOf(project.gateway, "MAX_BODY_BYTES")) > limits.MAX_BODY_BYTES.default
        ? needs(project, "BODIES", "R2 bucket", `bodies of more than ${limits.MAX_BODY_BYTES.default} bytes go there`)
        : optional(project, "BODIES", "R2 bucket"),
    deadline: (project) => number(project, "DEADLINE_MS"),
    webhook_path: ({ gateway, consumer }) => {
      if (gateway === undefined) {
        return;
      }
      const path = pathOf(gateway);
      const cure = `In ${gateway.file}, remove WEBHOOK_PATH from the vars, and deploy. The path is then /webhooks/cronozen.`;
      if (path === undefined) {
        const rule = "it starts with /, has only letters, digits and -._~ between slashes, and is not /healthz";
        return problem(`WEBHOOK_PATH unusable: ${rule}`, cure);
      }
      return gateway === consumer && /^\/console(\/|$)/.test(path)
        ? problem(`WEBHOOK_PATH is the console's: ${path} is not passed to the gateway`, cure)
        : ok(`the webhook's path is ${path}`);
    },
    webhook_routed: checkRoutes,
    failures_bound: (project) => optional(project, "FAILURES", "rate limiter"),
    activity_bound: (project) => activity(project),
    version_bound: (project) => {
      const { gateway } = project;
      return gateway !== undefined && kindsIn(gateway.settings).has("ACTIVITY")
        ? kindsIn(gateway.settings).get("CF_VERSION_METADATA") === "version metadata"
          ? ok("CF_VERSION_METADATA gives records of deliveries the deployment")
          : problem(
              "CF_VERSION_METADATA not bound: ACTIVITY cannot say which deployment answered",
              setIn(project, gateway, "version_metadata", { binding: "CF_VERSION_METADATA" }),
            )
        : undefined;
    },
    names_known: ({ workers }) =>
      each(workers, (worker) => {
        const { file, settings } = worker;
        const names = [...kindsIn(settings).keys()];
        const free = knownNames.filter((known) => !names.includes(known));
        const near = names.filter((name) => !knownNames.includes(name) && nameMeantBy(name, free) !== undefined);
        const strange = near.find((name) => !mayRead(worker, name)) ?? near[0];
        if (strange === undefined) {
          return ok(`no name in ${file} is nearly one that is known`);
        }
        const meant = nameMeantBy(strange, free);
        return mayRead(worker, strange)
          ? unknown(
              `name not the gateway's: it does not read ${strange} in ${file}, but the code has the name`,
              `If ${meant} is meant, rename ${strange} in ${file}.`,
            )
          : problem(
              `name unknown: neither the gateway nor the code reads ${strange} in ${file}`,
              `In ${file}, rename ${strange} to ${meant}.`,
            );
      }),
  },
  summary: ({ gateway }) =>
    gateway === undefined
      ? "not in these settings"
      : `${gateway.settings.name}: ${pathOf(gateway)} to ${queueOf(gateway.settings, "EVENTS")}, dedupe ${settingOf(gateway, "DEDUPE") ?? "kv"}`,
};

/** The lines that bind each name. */
const bindingLines: Readonly<Record<string, [path: string, entry: Record<string, string>]>> = {
  EVENTS: ["queues.producers", { binding: "EVENTS", queue: "cronozen-events" }],
  SEEN: ["kv_namespaces", { binding: "SEEN" }],
  DEDUPER: ["durable_objects.bindings", { name: "DEDUPER", class_name: "Deduper" }],
  BODIES: ["r2_buckets", { binding: "BODIES", bucket_name: "cronozen-bodies" }],
  ACTIVITY: ["durable_objects.bindings", { name: "ACTIVITY", class_name: "Activity" }],
};

/** Checks that the gateway has a binding. */
function needs(project: Project, name: string, kind: string, why: string): Verdict | undefined {
  const { gateway } = project;
  if (gateway === undefined) {
    return;
  }
  const found = kindsIn(gateway.settings).get(name);
  if (found !== undefined) {
    return optional(project, name, kind);
  }
  const [path, entry] = bindingLines[name] ?? ["", {}];
  return problem(`${name} not bound: ${why}`, addEntry(project, gateway, path, entry));
}

/** Checks that a name, if it is there, is of the right kind. */
function optional({ gateway }: Project, name: string, kind: string): Verdict | undefined {
  const found = gateway && kindsIn(gateway.settings).get(name);
  if (gateway === undefined || found === undefined) {
    return;
  }
  return found === kind
    ? ok(`${name} is the ${kind}`)
    : problem(
        `${name} of another kind: ${kind} expected, and ${gateway.file} has a ${found} of this name`,
        `In ${gateway.file}, give the ${found} another name.`,
      );
}

function choice(gateway: Worker | undefined, name: string, words: readonly string[]): Verdict | undefined {
  const value = settingOf(gateway, name);
  if (gateway === undefined || value === undefined) {
    return;
  }
  return words.includes(value)
    ? ok(`${name} is ${value}`)
    : problem(
        `${name} unknown: ${words.join(" or ")} is expected`,
        `In ${gateway.file}, correct ${name} under vars, or remove it.`,
      );
}

function number(project: Project, name: keyof Limits): Verdict | undefined {
  const { gateway } = project;
  const value = settingOf(gateway, name);
  if (gateway === undefined || value === undefined) {
    return;
  }
  const { least, most, default: usual } = limits[name];
  return /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most
    ? ok(`${name} is ${value}`)
    : problem(
        `${name} out of range: a whole number from ${least} to ${most} is expected`,
        setIn(project, gateway, "vars", { [name]: usual }),
      );
}

/** The gateway's counts are optional. If there are two Workers, both bind them, or none. */
function activity(project: Project): Verdict | undefined {
  const { gateway, consumer } = project;
  const wrong = optional(project, "ACTIVITY", "Durable Object class");
  if (gateway === undefined || wrong?.status === "problem" || consumer === undefined || consumer === gateway) {
    return wrong;
  }
  const { name } = gateway.settings;
  const theirs = consumer.settings.durable_objects.bindings.find((binding) => binding.name === "ACTIVITY");
  if (wrong === undefined) {
    return theirs === undefined
      ? undefined
      : problem(
          `ACTIVITY not bound: ${consumer.file} reads it, and the gateway does not write it`,
          addEntry(project, gateway, "durable_objects.bindings", { name: "ACTIVITY", class_name: "Activity" }),
        );
  }
  const binding = { name: "ACTIVITY", class_name: "Activity", script_name: name ?? "" };
  if (theirs === undefined) {
    return problem(
      `ACTIVITY not bound in ${consumer.file}: the console and the alerts do not see deliveries`,
      addEntry(project, consumer, "durable_objects.bindings", binding),
    );
  }
  return theirs.script_name === name
    ? ok("both Workers bind ACTIVITY")
    : problem(
        `wrong ACTIVITY in ${consumer.file}: its script_name is not the gateway's name, ${name}`,
        `In ${consumer.file}, set script_name = "${name}" in the binding ACTIVITY.`,
      );
}

/** Returns true if the Worker's own code has the name, or is not known. */
export function mayRead({ code }: Worker, name: string): boolean {
  return typeof code === "string" || code.text.split(/\W+/).includes(name);
}
