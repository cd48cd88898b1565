// The results as the sections of docs/benchmarks.md.

import { figure, median, ratios, spread, table } from "../report.mjs";
import { doublings, sizes } from "./growth/verification.mjs";

/** The most CPU time that ours may take, as a share of that of the gateway in TypeScript. */
const goal = 1.15;
const startUpGoalMs = 10;
const firstAnswerGoalMs = 6;

/** @type {Record<string, string>} */
export const titles = {
  kv: "`kv` mode",
  strict: "Strict mode, the Durable Objects called in the isolate, on a storage that answers at once",
  object: "Strict mode, with the runtime's own calls of Durable Objects and its SQLite, for both gateways",
};

/** @typedef {Awaited<ReturnType<typeof import("./results.mjs").gatewayResults>>} Gateway */
/** @typedef {Awaited<ReturnType<typeof import("./results.mjs").processResults>>} Processes */
/** @typedef {Awaited<ReturnType<typeof import("./results.mjs").growthResults>>} Growth */

/** A share in percent. @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(0)} %`;
}

/** @param {Gateway} results */
export function gatewayText({ machine, cases, modes }) {
  const rounds = Object.values(modes)[0]?.[0]?.cpu.length;
  const parts = Object.entries(modes).map(([mode, measured]) => `### ${titles[mode]}\n\n${modeTable(measured)}`);
  return `${machine}.

Raw workerd on one core, the load on the other: bodies of 1 KiB, signed; 90 % of the events are new, 9 % have been seen
before, 1 % are forged; 8 connections, each of which sends its next request after the answer to the last. KV and the
queue answer at once, inside the isolate, so the gateway's own work is timed; log lines are written. CPU is all of the
server's, in microseconds a request; the ratio is taken round by round. Medians of ${rounds} interleaved rounds, over
several processes of each; the spread is half of the distance between the quartiles. The gateway in TypeScript
(\`benches/gateway/hono\`) has the same commit protocol, deadline, limits, header rules and log line: before the rounds,
${cases} requests are answered, queued and logged alike by both. The goal is a ratio of at most ${goal}.

${parts.join("\n\n")}`;
}

/** @param {import("./rounds.mjs").Measured[]} measured the second is the base, the third is ours */
function modeTable(measured) {
  const base = measured[1]?.cpu ?? [];
  const met = median(ratios(measured[2]?.cpu ?? [], base)) <= goal;
  const text = table(
    ["contender", "CPU, µs", "spread", "ratio", "spread", "p50, ms", "p99, ms"],
    measured.map(({ name, cpu, p50, p99 }) => {
      const against = ratios(cpu, base);
      return [
        name,
        figure(median(cpu)),
        percent(spread(cpu)),
        median(against).toFixed(2),
        percent(spread(against)),
        figure(median(p50)),
        figure(median(p99)),
      ];
    }),
  );
  return `${text}\n\nThe goal is ${met ? "met" : "missed"}.`;
}

/** @param {Processes} results */
export function processText({ memory, firstAnswers, activeStartUps }) {
  const memoryTable = table(
    ["requests of ours, `kv` mode", "resident memory, MiB: median", "most"],
    memory.map(({ requests, median: middle, most }) => [requests.toLocaleString("en"), figure(middle), figure(most)]),
  );
  const change = (memory.at(-1)?.median ?? Number.NaN) / (memory[1]?.median ?? Number.NaN) - 1;
  const [peer, ours] = firstAnswers;
  const later = (ours?.ms ?? []).map((ms, round) => ms - (peer?.ms[round] ?? Number.NaN));
  const startTable = table(
    ["fresh process", "first answer after, ms", "spread"],
    firstAnswers.map(({ name, ms }) => [name, figure(median(ms)), percent(spread(ms))]),
  );
  return `### Memory and start

Each quarter of the requests, sampled along the way. The memory is that of the whole process, not of one isolate:

${memoryTable}

From the second quarter to the last, the median changes by ${percent(change)}.

From the start of a workerd process until it has answered a new event, in turn, ${peer?.ms.length} processes of each:

${startTable}

Ours answers ${median(later).toFixed(1)} ms later, the median of the pairs (the goal: at most ${firstAnswerGoalMs}).
\`wrangler check startup\` reports an active start-up of ${median(activeStartUps).toFixed(1)} ms, the median of
${activeStartUps.join(", ")} (the goal: at most ${startUpGoalMs}).`;
}

/** @param {Growth} results */
export function growthText({ machine, node, workerd, rows }) {
  return `${machine}.

### A verification, by the size of its body

\`Verifier.matches\`, microseconds of CPU a call, means of interleaved rounds. The ratio is to the time for half of the
bytes: about 2 is in proportion, and much more would be a step. A backend that is faster for large bodies takes over at
256 bytes in Node and at 2,048 in workerd.

${sizesTable(node, workerd)}

Twice the bytes cost at most ${largest(node)} times as much in Node, and ${largest(workerd)} in workerd.

### A delivery in strict mode, by the number of remembered events

The Worker's own Durable Object on the runtime's SQLite, its files in memory, half of the deliveries new and half
repeated. Microseconds of the server's CPU a delivery, medians of ${rows[0]?.cpu.length} interleaved rounds; the
ratio is taken round by round.

${rowsTable(rows)}`;
}

/** @param {readonly number[]} node @param {readonly number[]} workerd */
function sizesTable(node, workerd) {
  const columns = [node, workerd].map((times) => ({ times, ratios: [Number.NaN, ...doublings(times)] }));
  return table(
    ["bytes", "Node, µs", "ns a byte", "ratio", "workerd, µs", "ns a byte", "ratio"],
    sizes.map((bytes, index) => [
      bytes.toLocaleString("en"),
      ...columns.flatMap(({ times, ratios }) => {
        const time = times[index] ?? Number.NaN;
        return [figure(time), ((time * 1000) / bytes).toFixed(2), index === 0 ? "" : (ratios[index] ?? 0).toFixed(2)];
      }),
    ]),
  );
}

/** @param {readonly number[]} times */
function largest(times) {
  return Math.max(...doublings(times)).toFixed(2);
}

/** @param {Growth["rows"]} measured */
function rowsTable(measured) {
  const base = measured[0]?.cpu ?? [];
  return table(
    ["remembered events", "CPU, µs", "spread", "ratio", "spread", "p50, ms"],
    measured.map(({ rows, cpu, p50 }) => {
      const against = ratios(cpu, base);
      return [
        rows.toLocaleString("en"),
        figure(median(cpu)),
        percent(spread(cpu)),
        median(against).toFixed(2),
        percent(spread(against)),
        figure(median(p50)),
      ];
    }),
  );
}
