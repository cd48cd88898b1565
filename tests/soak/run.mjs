// One mode's run: traffic, faults, alerts and a console for some minutes, and what must be true at its end.

import { setTimeout as sleep } from "node:timers/promises";
import { Service, stopServices } from "../alerts/service.mjs";
import { acceptAhead, drain, incidentsAhead, lossesAhead, redrive } from "./closing.mjs";
import { Faults } from "./faults.mjs";
import { Lines } from "./lines.mjs";
import { Memory } from "./memory.mjs";
import { Random } from "./random.mjs";
import { knownAnswers, knownReasons } from "./reference.mjs";
import { countsTable, duration, memoryTable, progress } from "./report.mjs";
import { Sender } from "./sender.mjs";
import { World } from "./world.mjs";

/** Requests a second, duplicates and retries not counted: two cores stay half idle. */
const rate = 40;

const alertsEveryMs = 5000;
const consoleEveryMs = 5000;
const floodEveryMs = 30_000;
const progressEveryMs = 30_000;

/** Nothing waits longer for its first time, so that a short run has it, too. */
const soonMs = 5000;

const pulseEveryMs = 250;
const heapsEveryMs = 10_000;

/**
 * The most growth after the warm-up, in MiB. A run of 15 minutes judges 10, in which 24,000 requests come: 5 MiB are 220
 * bytes of each.
 */
const mostGrowth = { gateway: 5, consumer: 5 };

/** The incidents that the faults must open. */
const expectedIncidents = ["dead_letter", "failing"];

/** The paths that the console's overview, deliveries and dead letters ask for. */
const consolePaths = [
  "status",
  "activity?by=minute",
  "incidents?state=open",
  "losses",
  "deliveries?limit=50",
  "dead-letters?state=open",
  "events?limit=20",
];

/**
 * @typedef {{ name: string, isRight: boolean, isSkipped?: true, detail: string }} Check
 * @typedef {{ minutes: number, seed: number, defect: string }} Options
 */

/** @param {import("./world.mjs").Mode} mode @param {Options} options @returns {Promise<Check[]>} */
export async function soak(mode, { minutes, seed, defect }) {
  const random = new Random(seed);
  // The faults have random numbers of their own: their order does not depend on when answers come.
  const faults = new Faults(new Random(seed));
  const sink = await Service.start();
  const sender = new Sender(new URL("http://unset"), faults, random);
  const lines = new Lines(sender.answered);
  const world = await World.start(mode, { defect, sinkUrl: sink.url, logged: (text) => lines.read(text) });
  try {
    sender.url = world.gatewayUrl;
    return await new Run({ world, faults, sender, lines, sink }).whole(minutes * 60_000);
  } finally {
    await world.stop();
    stopServices();
  }
}

class Run {
  memory = new Memory(mostGrowth);
  /** The answers of the admin API. @type {Record<string, number>} */
  console = {};
  /** @type {number[]} */
  wasm = [];

  /** @param {{ world: World, faults: Faults, sender: Sender, lines: Lines, sink: Service }} parts */
  constructor({ world, faults, sender, lines, sink }) {
    this.world = world;
    this.faults = faults;
    this.sender = sender;
    this.lines = lines;
    this.sink = sink;
  }

  /** @param {number} ms @returns {Promise<Check[]>} */
  async whole(ms) {
    const { world, sender, faults, lines } = this;
    const started = performance.now();
    const endsAt = started + ms;
    const every = (/** @type {number} */ pause, /** @type {() => unknown} */ work) => repeat(endsAt, pause, work);
    await Promise.all([
      sender.run(rate, endsAt),
      faults.run(endsAt, {
        trap: (kind) => sender.trap(kind),
        restart: () => world.restartObjects(),
        setConsumer: (state) => world.setConsumer(state),
      }),
      every(1000, () => this.memory.sample()),
      every(pulseEveryMs, () => sender.pulse()),
      every(heapsEveryMs, async () => this.memory.add(await world.collectedHeaps())),
      every(alertsEveryMs, () => world.runAlerts()),
      every(consoleEveryMs, () => this.#poll()),
      every(floodEveryMs, () => sender.flood()),
      every(progressEveryMs, async () => {
        this.wasm.push(await world.wasmMebibytes());
        console.log(progress(performance.now() - started, sender, lines, this.memory));
      }),
    ]);
    this.wasm.push(await world.wasmMebibytes());
    const trafficMs = performance.now() - started;
    await sender.idle();
    const checks = await this.#closing();
    console.log(countsTable(sender.counts));
    console.log(`faults: ${countsOf(faults.counts)}`);
    console.log(`other messages of workerd: ${countsOf(lines.others)}`);
    console.log(`lines of the logs: ${countsOf(lines.counts)}`);
    const reasons = [...sender.timedOut].map((ray) => lines.reasons.get(ray) ?? "");
    console.log(`408 for whole bodies: ${countsOf(countBy(reasons))}`);
    console.log(`the admin API's answers: ${countsOf(this.console)}`);
    console.log(`traffic ${duration(trafficMs)}, the end ${duration(performance.now() - started - trafficMs)}`);
    return checks;
  }

  /** @returns {Promise<Check[]>} */
  async #closing() {
    const { world, sender, lines, sink } = this;
    const isDrained = await drain(world, sender.accepted.size);
    const opened = await incidentsAhead(world, 3, "open");
    const { redriven, isDone } = await redrive(world, sender.accepted.size);
    const missingLines = await lines.missing();
    const sendOne = () => sender.sendOne();
    const isKnown = (await acceptAhead(world, 18, sendOne)) && (await incidentsAhead(world, 18, "open"));
    const isKnownLater = await acceptAhead(world, 23, sendOne);
    const closed = await incidentsAhead(world, 23, "closed");
    const messages = sink.taken.map(({ kind, rule }) => `${kind} ${rule}`);
    const losses = await lossesAhead(world);
    const effects = await this.#effects();
    const unexplained = this.#unexplained();
    const unknown = this.#unknownAnswers();
    const { isJudged, fits } = this.memory.fits();
    const memory = memoryTable(fits, this.wasm);
    const grown = fits.filter(({ growth, mostGrowth: most }) => most !== undefined && growth > most);
    const wanted = expectedIncidents.flatMap((rule) => [`opened ${rule}`, `closed ${rule}`]);
    return [
      check(
        "each request kept its promise, and was answered in time",
        [...sender.violations, ...sender.lateAnswers()],
        `slowest health check ${Math.round(sender.slowestPulseMs)} ms`,
      ),
      check("each answer is in the table of docs/reference.md", [...unknown, ...this.#unnamed()]),
      check(
        "each answer has its line in the log",
        missingLines.map(([ray, code]) => `${ray} ${code}`),
      ),
      check(
        "each 5xx has a known reason, and a fault that explains it",
        unexplained,
        `${sender.failed.length} of them`,
      ),
      check(
        "each accepted event was handled once",
        [
          ...(isDrained ? [] : ["messages were still on their way"]),
          ...(isDone ? [] : ["dead letters were not handled after their redrive"]),
          ...effects,
        ],
        `${sender.accepted.size} events, ${redriven} of them redriven`,
      ),
      check(
        "the look for losses finds none",
        [
          ...(losses.lost === 0 && losses.waiting === 0 ? [] : [`lost ${losses.lost}, waiting ${losses.waiting}`]),
          ...(losses.checkedTo === null ? ["nothing was looked for"] : []),
        ],
        `notKept ${losses.notKept}`,
      ),
      check(
        "the faults' incidents opened and closed, and the sink was told",
        [
          ...(isKnown && isKnownLater ? [] : ["Activity does not know the events that were accepted last"]),
          ...expectedIncidents.filter((rule) => !opened.has(rule)).map((rule) => `${rule} was not open`),
          ...expectedIncidents.filter((rule) => !closed.has(rule)).map((rule) => `${rule} has not closed`),
          ...wanted.filter((message) => !messages.includes(message)).map((message) => `no message ${message}`),
        ],
        messages.join(", "),
      ),
      check(
        "the console answered",
        Object.keys(this.console).filter((status) => !["200", "503"].includes(status)),
      ),
      isJudged
        ? check("memory is flat", grown.length === 0 ? [] : [memory], memory)
        : { name: "memory (NOT JUDGED: the run is too short)", isRight: true, isSkipped: true, detail: memory },
    ];
  }

  /** Returns the faults of the effects. */
  async #effects() {
    const [rows] = await this.world.sql("SELECT event_id AS eventId, count(*) AS times FROM effects GROUP BY event_id");
    const times = new Map(rows.map((/** @type {any} */ row) => [row.eventId, row.times]));
    const { accepted } = this.sender;
    return [
      ...[...times.keys()]
        .filter((eventId) => !accepted.has(eventId))
        .map((id) => `${id} has an effect, and is not accepted`),
      ...[...accepted].filter((eventId) => !times.has(eventId)).map((eventId) => `${eventId} has no effect`),
      ...[...times].filter(([, count]) => count !== 1).map(([eventId, count]) => `${eventId} has ${count} effects`),
    ];
  }

  #unexplained() {
    const known = knownReasons();
    return this.sender.failed.flatMap((attempt) => {
      const reason = this.lines.reasons.get(attempt.ray);
      const told = `${attempt.ray} (${attempt.kind}) ${attempt.status} ${attempt.code}: ${reason}`;
      if (reason === undefined || !known.some((pattern) => pattern.test(reason))) {
        return [told];
      }
      return this.faults.explain(reason, attempt, attempt.lateSendAt) ? [] : [`no fault explains ${told}`];
    });
  }

  /** Each 5xx without a code, with the windows that were open. */
  #unnamed() {
    return this.sender.failed
      .filter(({ code }) => code === "")
      .map(({ ray, kind, status, startedAt, endedAt }) => {
        const windows = this.faults.windowsIn(startedAt, endedAt).join(", ");
        return `${ray} (${kind}) ${status} after ${Math.round(endedAt - startedAt)} ms, log: ${this.lines.reasons.get(ray)}; ${windows}`;
      });
  }

  #unknownAnswers() {
    const known = knownAnswers();
    const seen = Object.values(this.sender.counts).flatMap((counts) => Object.keys(counts));
    return [...new Set(seen)].filter((answer) => /^\d/.test(answer) && !known.has(answer));
  }

  async #poll() {
    for (const path of consolePaths) {
      const { status } = await this.world.ask(path);
      this.console[status] = (this.console[status] ?? 0) + 1;
    }
  }
}

/** @param {number} endsAt @param {number} pauseMs @param {() => unknown} work */
async function repeat(endsAt, pauseMs, work) {
  for (let next = performance.now() + Math.min(pauseMs, soonMs); next < endsAt; next += pauseMs) {
    await sleep(Math.max(0, next - performance.now()));
    await work();
  }
}

/** @param {string} name @param {string[]} failures @param {string} [detail] */
function check(name, failures, detail = "") {
  const shown = failures.slice(0, 20).join("\n    ");
  const more = failures.length > 20 ? `\n    and ${failures.length - 20} more` : "";
  return { name, isRight: failures.length === 0, detail: failures.length === 0 ? detail : `${shown}${more}` };
}

/** @param {string[]} names */
function countBy(names) {
  return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((other) => other === name).length]));
}

/** @param {Record<string, number>} counts */
function countsOf(counts) {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
