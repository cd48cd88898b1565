// One mode's run: traffic, faults, alerts and a console for some minutes, and what must be true at its end.

import { setTimeout as sleep } from "node:timers/promises";
import { Service, stopServices } from "../alerts/service.mjs";
import { checksOf, consolePaths } from "./checks.mjs";
import { acceptAhead, allHandled, drain, incidentsAhead, lossesAhead, redrive } from "./closing.mjs";
import { Faults } from "./faults.mjs";
import { Lines } from "./lines.mjs";
import { Memory } from "./memory.mjs";
import { Random } from "./random.mjs";
import { knownAnswers, knownReasons } from "./reference.mjs";
import { countsTable, duration, progress } from "./report.mjs";
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
 * bytes of each. workerd as a whole is not judged: with its simulators of KV and queues, its memory grows as much under any
 * Worker that writes to them.
 */
const mostGrowth = { gateway: 5, consumer: 5 };

/**
 * @typedef {import("./checks.mjs").Check} Check
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
  /** The answers of the admin API, by path and status. @type {Record<string, number>} */
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
    const stopping = new AbortController();
    const { signal } = stopping;
    const every = (/** @type {number} */ pauseMs, /** @type {() => unknown} */ work) =>
      repeat(endsAt, signal, pauseMs, work);
    try {
      await Promise.all([
        sender.run(rate, endsAt, signal),
        faults.run(endsAt, signal, {
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
    } catch (error) {
      // One that has failed ends the others.
      stopping.abort();
      throw error;
    }
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
    const isKnown = await acceptAhead(world, 18, sendOne);
    await incidentsAhead(world, 18, "open");
    const isKnownLater = await acceptAhead(world, 23, sendOne);
    const closed = await incidentsAhead(world, 23, "closed");
    // The two that came last may fail at their first attempt.
    const isLastHandled = await allHandled(world, sender.accepted.size);
    const losses = await lossesAhead(world);
    const [rows] = await world.sql("SELECT event_id AS eventId, count(*) AS times FROM effects GROUP BY event_id");
    const seen = Object.values(sender.counts).flatMap((counts) => Object.keys(counts));
    return checksOf(
      {
        violations: [...sender.violations, ...sender.lateAnswers()],
        slowestPulseMs: sender.slowestPulseMs,
        answers: new Set(seen.filter((answer) => /^\d/.test(answer))),
        failed: sender.failed.map((attempt) => this.#failed(attempt)),
        missingLines,
        accepted: sender.accepted,
        effects: new Map(rows.map((/** @type {any} */ row) => [row.eventId, row.times])),
        isDrained: isDrained && isLastHandled,
        redriven,
        isRedriveDone: isDone,
        losses,
        isActivityCurrent: isKnown && isKnownLater,
        opened,
        closed,
        messages: sink.taken.map(({ kind, rule }) => `${kind} ${rule}`),
        console: this.console,
        memory: { ...this.memory.fits(), wasm: this.wasm },
      },
      { answers: knownAnswers(), reasons: knownReasons() },
    );
  }

  /** @param {import("./sender.mjs").Failed} attempt */
  #failed({ ray, kind, status, code, ...attempt }) {
    const { startedAt, endedAt, lateSendAt } = attempt;
    const reason = this.lines.reasons.get(ray);
    const isExplained = reason !== undefined && this.faults.explain(reason, attempt, lateSendAt);
    const windows = this.faults.windowsIn(startedAt, endedAt);
    return { ray, kind, status, code, ms: endedAt - startedAt, reason, isExplained, windows };
  }

  async #poll() {
    for (const path of consolePaths) {
      const { status } = await this.world.ask(path);
      const answer = `${path} ${status}`;
      this.console[answer] = (this.console[answer] ?? 0) + 1;
    }
  }
}

/** @param {number} endsAt @param {AbortSignal} signal @param {number} pauseMs @param {() => unknown} work */
async function repeat(endsAt, signal, pauseMs, work) {
  for (let next = performance.now() + Math.min(pauseMs, soonMs); next < endsAt; next += pauseMs) {
    await sleep(Math.max(0, next - performance.now()), undefined, { signal });
    await work();
  }
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
