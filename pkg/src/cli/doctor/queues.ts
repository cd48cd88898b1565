// Checks of the queues: each has a consumer, and no message is deleted before it is a stored dead letter.

import { bindingsNamed } from "../code.ts";
import { settingOf } from "../gateway-settings.ts";
import type { Project, QueueConsumer, Worker } from "../workers.ts";
import { queueOf } from "./bindings.ts";
import { type Check, each, type Group, ok, problem, unknown, type Verdict } from "./check.ts";
import { addEntry, nameAll, setIn, setInEntry } from "./cure.ts";
import { retryOption } from "./retry-option.ts";

/** The name of the queue of events, if EVENTS_QUEUE does not say another. */
const usualQueue = "cronozen-events";

/** wrangler's defaults. */
const usualRetries = 3;
const usualBatch = 10;

/** Cloudflare Queues retries at most 100 times. */
const mostRetries = 100;

/** The attempts of `consume`, without its option. pkg/src/consumer/retry.ts has the schedule. */
const usualAttempts = 11;
const attemptsTake = "9 to 17 hours";

/** The longest that a message waits on a queue, and all that the free plan has, in seconds. */
export const longestRetention = 1_209_600;
export const freeRetention = 86_400;

/** The retries of a dead letter that cannot be stored: 100, each after 4 hours, outlast the longest retention. */
const deadLetterRetries = { max_retries: mostRetries, retry_delay: 14_400 };

/** The queues that the checks are about. */
export interface Queues {
  readonly events: string;
  readonly dead: string | undefined;
}

/** A consumer of a queue, and the Worker whose settings have it. */
export interface Consumption {
  readonly worker: Worker;
  readonly consumer: QueueConsumer;
}

export const queues: Group<Project> = {
  name: "queues",
  checks: {
    queue_consumed: (project) => {
      const { events } = queuesIn(project);
      const [first, second] = consumptionsOf(project, events);
      if (second !== undefined) {
        return problem(
          `too many consumers of ${events}: a queue has one`,
          `Remove the [[queues.consumers]] of ${events} from ${second.worker.file}.`,
        );
      }
      if (first !== undefined) {
        return ok(`${first.worker.settings.name} consumes ${events}`);
      }
      const { consumer } = project;
      return consumer === undefined
        ? unknown(
            `consumer of ${events} not in these settings: without one, the queue deletes each event`,
            nameAll(project.workers, "../consumer/wrangler.toml"),
          )
        : problem(
            `${events} not consumed: the queue deletes each event after its retention`,
            addEntry(project, consumer, "queues.consumers", {
              ...{ queue: events, max_batch_size: 10, max_batch_timeout: 1, max_retries: usualAttempts - 1 },
              ...{ retry_delay: 300, dead_letter_queue: `${events}-dead` },
            }),
          );
    },
    queue_named: (project) =>
      ofConsumer(project, ({ worker }, { events }) => {
        const said = settingOf(worker, "EVENTS_QUEUE") ?? usualQueue;
        return said === events
          ? ok(`${events} is the queue that the consumer knows`)
          : problem(
              `EVENTS_QUEUE not ${events}: every event would be stored as a dead letter`,
              setIn(project, worker, "vars", { EVENTS_QUEUE: events }),
            );
      }),
    dead_letter_queue: (project) =>
      ofConsumer(project, ({ worker }, { events, dead }) =>
        dead !== undefined && dead !== events
          ? ok(`${dead} is the dead-letter queue`)
          : problem(
              `dead_letter_queue ${dead === undefined ? "missing" : "the queue itself"}: an event that fails is deleted`,
              setInEntry(
                project,
                worker,
                "queues.consumers",
                { queue: events },
                { dead_letter_queue: `${events}-dead` },
              ),
            ),
      ),
    dead_letters_consumed: (project) =>
      ofDeadLetters(project, (dead, { worker }) =>
        consumptionsOf(project, dead).length > 0
          ? ok(`${dead} is consumed, too`)
          : problem(
              `${dead} not consumed: dead letters are deleted unseen`,
              addEntry(project, worker, "queues.consumers", {
                ...{ queue: dead, max_batch_size: 10, max_batch_timeout: 1 },
                ...deadLetterRetries,
              }),
            ),
      ),
    retries: (project) =>
      ofConsumer(project, ({ worker, consumer }, { events }) => {
        const wanted = retriesOf(worker);
        const { max_retries: retries = usualRetries } = consumer;
        if (wanted === undefined) {
          return unknown(
            `attempts of consume not known: ${worker.file} has max_retries = ${retries}, and the code shows no number`,
            "Compare retry.maxAttempts of consume with it: max_retries is one less, or more.",
          );
        }
        return retries >= wanted && retries <= mostRetries
          ? ok(`${events} retries ${retries} times`)
          : problem(
              retries < wanted
                ? `max_retries too small: the queue gives up after ${retries}, before the ${wanted + 1} attempts of consume`
                : `max_retries too large: Cloudflare Queues takes at most ${mostRetries}`,
              setInEntry(project, worker, "queues.consumers", { queue: events }, { max_retries: wanted }),
            );
      }),
    retry_time: (project) =>
      ofConsumer(project, ({ worker, consumer }, { events }) => {
        const { max_retries: retries = usualRetries, retry_delay: delay = 0 } = consumer;
        const retention = retentionOf(worker);
        if (retention === undefined) {
          return unknown(
            `retention of ${events} not known: its retries take ${hours(retries * delay)}, and the code shows no number`,
            "Compare retry.retentionSeconds of consume with it: the retries take less time.",
          );
        }
        return retries * delay <= retention
          ? ok(`${events} retries within its retention`)
          : problem(
              `retry_delay too long: ${retries} retries take ${hours(retries * delay)}, and the queue keeps a message for ${hours(retention)}`,
              setInEntry(project, worker, "queues.consumers", { queue: events }, { retry_delay: 300 }),
            );
      }),
    dead_letter_retries: (project) =>
      ofDeadLetters(project, (dead) => {
        const [first] = consumptionsOf(project, dead);
        if (first === undefined) {
          return;
        }
        const { max_retries: retries = usualRetries, retry_delay: delay = 0 } = first.consumer;
        return retries * delay >= longestRetention
          ? ok(`${dead} retries until its retention ends`)
          : problem(
              `retries of ${dead} too few: a dead letter is deleted if it cannot be stored for a while`,
              setInEntry(project, first.worker, "queues.consumers", { queue: dead }, deadLetterRetries),
            );
      }),
    producer_events: (project) =>
      ofConsumer(project, ({ worker }, { events }) => produces(project, worker, "events", events)),
    producer_dead_letters: (project) =>
      ofDeadLetters(project, (dead, { worker }) => produces(project, worker, "queue", dead)),
  },
  summary: (project) => {
    const { events, dead } = queuesIn(project);
    const [{ consumer } = { consumer: undefined }] = consumptionsOf(project, events);
    return consumer === undefined
      ? `${events}, whose consumer is not in these settings`
      : `${events}: ${(consumer.max_retries ?? usualRetries) + 1} attempts, then ${dead}, which is consumed, too`;
  },
};

/** Limits of the free plan that follow from the settings. They are no problems. */
export const planNotes: Record<string, Check<Project>> = {
  plan_retention: (project) =>
    ofConsumer(project, ({ worker }, { events }) => {
      const retention = retentionOf(worker);
      if (retention !== undefined && retention > freeRetention) {
        return ok(`Free plan: a queue keeps messages for 24 hours, and retentionSeconds says ${hours(retention)}.`);
      }
      return retention !== undefined && retriesOf(worker) === usualAttempts - 1
        ? ok(`Free plan: ${events} keeps a message for 24 hours; its ${usualAttempts} attempts take ${attemptsTake}.`)
        : undefined;
    }),
  plan_batch: (project) =>
    ofConsumer(project, ({ consumer: { max_batch_size: size = usualBatch } }) =>
      size > usualBatch
        ? ok(`Free plan: 50 queries of D1 in one go are too few for a max_batch_size of ${size}.`)
        : undefined,
    ),
};

/** Returns the queues. Without a gateway, the queue of events is the one that the consumer knows. */
export function queuesIn(project: Project): Queues {
  const { gateway, consumer } = project;
  const bound = gateway && queueOf(gateway.settings, "EVENTS");
  const events = bound ?? settingOf(consumer, "EVENTS_QUEUE") ?? usualQueue;
  return { events, dead: consumptionsOf(project, events)[0]?.consumer.dead_letter_queue };
}

/** Returns the consumers that the settings give to a queue. */
export function consumptionsOf({ workers }: Project, queue: string): Consumption[] {
  return workers.flatMap((worker) => {
    const consumers = worker.settings.queues.consumers ?? [];
    return consumers.filter((consumer) => consumer.queue === queue).map((consumer) => ({ worker, consumer }));
  });
}

function ofConsumer(
  project: Project,
  check: (consumption: Consumption, queues: Queues) => Verdict | undefined,
): Verdict | undefined {
  const found = queuesIn(project);
  return each(consumptionsOf(project, found.events).slice(0, 1), (consumption) => check(consumption, found));
}

function ofDeadLetters(
  project: Project,
  check: (dead: string, consumption: Consumption) => Verdict | undefined,
): Verdict | undefined {
  return ofConsumer(project, (consumption, { dead, events }) =>
    dead === undefined || dead === events ? undefined : check(dead, consumption),
  );
}

/** Checks the producer that an option of `deadLetters` names. */
function produces(project: Project, worker: Worker, option: "events" | "queue", queue: string): Verdict | undefined {
  const { code, file, settings } = worker;
  const [name] = typeof code === "string" ? [] : bindingsNamed(code, option);
  // The gateway's own producer has a check of its own.
  if (name === undefined || (name === "EVENTS" && worker === project.gateway)) {
    return;
  }
  const bound = queueOf(settings, name);
  if (bound === undefined) {
    const cure = addEntry(project, worker, "queues.producers", { binding: name, queue });
    return problem(`${name} not bound: the code sends to ${queue} through it`, cure);
  }
  return bound === queue
    ? ok(`${name} is the producer of ${queue}`)
    : problem(
        `wrong queue of ${name}: ${file} has ${bound}, and ${queue} is expected`,
        setInEntry(project, worker, "queues.producers", { binding: name }, { queue }),
      );
}

/** Returns the retries that `consume` counts on, or nothing if they are not known. */
function retriesOf({ code }: Worker): number | undefined {
  const attempts = retryOption(code, "maxAttempts", usualAttempts);
  return attempts === undefined ? undefined : attempts - 1;
}

/** Returns the time in seconds for which `consume` expects the queue to keep a message, or nothing if it is not known. */
export function retentionOf({ code }: Worker): number | undefined {
  return retryOption(code, "retentionSeconds", freeRetention);
}

/** Returns a time in words, such as `17 hours` or `14 days`. */
export function hours(seconds: number): string {
  const [number, unit] = seconds >= 2 * freeRetention ? [seconds / freeRetention, "day"] : [seconds / 3600, "hour"];
  const rounded = Math.round(number);
  return `${rounded} ${unit}${rounded === 1 ? "" : "s"}`;
}
