// The names in a Worker's environment: its bindings, its variables and the secrets that it requires.

import { closestMatch } from "leven";
import type { Settings } from "../workers.ts";

/*! Contains leven (MIT, https://github.com/sindresorhus/leven) */

/** The kind of a binding, as docs/configuration.md calls it. */
export type Kind =
  | "KV namespace"
  | "R2 bucket"
  | "D1 database"
  | "rate limiter"
  | "service"
  | "Durable Object class"
  | "producer of a queue"
  | "version metadata"
  | "assets"
  | "variable"
  | "secret";

/** A name differs from the one that was meant in at most one of so many letters. */
const lettersPerMistake = 4;

/** Returns the kind of each name in the environment. */
export function kindsIn(settings: Settings): Map<string, Kind> {
  const { version_metadata: metadata, assets } = settings;
  const named: [Kind, readonly string[]][] = [
    ["secret", settings.secrets?.required ?? []],
    ["variable", Object.keys(settings.vars)],
    ["KV namespace", bindingsOf(settings.kv_namespaces)],
    ["R2 bucket", bindingsOf(settings.r2_buckets)],
    ["D1 database", bindingsOf(settings.d1_databases)],
    ["service", bindingsOf(settings.services ?? [])],
    ["rate limiter", (settings.ratelimits ?? []).map(({ name }) => name)],
    ["Durable Object class", settings.durable_objects.bindings.map(({ name }) => name)],
    ["producer of a queue", bindingsOf(settings.queues.producers ?? [])],
    ["version metadata", metadata === undefined ? [] : [metadata.binding]],
    ["assets", assets?.binding === undefined ? [] : [assets.binding]],
  ];
  return new Map(named.flatMap(([kind, names]) => names.map((name): [string, Kind] => [name, kind])));
}

/** Returns the name that was probably meant. */
export function nameMeantBy(name: string, names: readonly string[]): string | undefined {
  const byLowerCase = new Map(names.map((known) => [known.toLowerCase(), known]));
  const maxDistance = Math.floor(name.length / lettersPerMistake);
  return byLowerCase.get(closestMatch(name.toLowerCase(), [...byLowerCase.keys()], { maxDistance }) ?? "");
}

/** Returns the queue that a producer puts messages on. */
export function queueOf({ queues: { producers = [] } }: Settings, name: string): string | undefined {
  return producers.find(({ binding }) => binding === name)?.queue;
}

function bindingsOf(list: readonly { binding: string }[]): string[] {
  return list.map(({ binding }) => binding);
}
