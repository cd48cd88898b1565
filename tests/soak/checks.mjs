// The checks at the end of a run, of what was seen and counted in it.

import { memoryTable } from "./report.mjs";

/** The incidents that the faults must open. */
const expectedIncidents = ["dead_letter", "failing"];

/** The console's overview, deliveries and dead letters ask for these. */
export const consolePaths = [
  "status",
  "activity?by=minute",
  "incidents?state=open",
  "losses",
  "deliveries?limit=50",
  "dead-letters?state=open",
  "events?limit=20",
];

/**
 * An attempt that was answered 5xx, with the reason in the log, and the windows of faults that were open.
 *
 * @typedef {Pick<import("./sender.mjs").Failed, "ray" | "kind" | "status" | "code"> & { ms: number, reason: string | undefined, isExplained: boolean, windows: string[] }} Failed
 * @typedef {{ name: string, isRight: boolean, isSkipped?: true, detail: string }} Check
 */

/**
 * @typedef {object} Results
 * @property {string[]} violations of what was promised for each request
 * @property {number} slowestPulseMs
 * @property {Set<string>} answers such as `202 accepted`
 * @property {Failed[]} failed
 * @property {[ray: string, code: string][]} missingLines the answers without a line in the log
 * @property {Set<string>} accepted the ids of the events that were answered 2xx
 * @property {Map<string, number>} effects the number of effects of each event
 * @property {boolean} isDrained
 * @property {number} redriven
 * @property {boolean} isRedriveDone
 * @property {{ lost: number, waiting: number, notKept: number, checkedTo: string | null }} losses
 * @property {boolean} isActivityCurrent true if `Activity` knows the events that were accepted last
 * @property {Set<string>} opened the rules of the incidents that were open
 * @property {Set<string>} closed
 * @property {string[]} messages of the alerts, such as `opened failing`
 * @property {Record<string, number>} console the answers of the admin API, by path and status
 * @property {{ isJudged: boolean, fits: import("./memory.mjs").Fit[], wasm: number[] }} memory
 */

/** @param {Results} results @param {{ answers: Set<string>, reasons: RegExp[] }} known what the documents name @returns {Check[]} */
export function checksOf(results, known) {
  const { violations, slowestPulseMs, failed, missingLines, accepted, redriven, losses, messages } = results;
  return [
    check(
      "each request kept its promise, and was answered in time",
      violations,
      `slowest health check ${Math.round(slowestPulseMs)} ms`,
    ),
    check("each answer is in the table of docs/reference.md", [
      ...[...results.answers].filter((answer) => !known.answers.has(answer)),
      ...unnamed(failed),
    ]),
    check(
      "each answer has its line in the log",
      missingLines.map(([ray, code]) => `${ray} ${code}`),
    ),
    check(
      "each 5xx has a known reason, and a fault that explains it",
      unexplained(failed, known.reasons),
      `${failed.length} of them`,
    ),
    check(
      "each accepted event was handled once",
      [
        ...(results.isDrained ? [] : ["messages were still on their way"]),
        ...(results.isRedriveDone ? [] : ["dead letters were not handled after their redrive"]),
        ...wrongEffects(results),
      ],
      `${accepted.size} events, ${redriven} of them redriven`,
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
      "the faults' incidents opened and closed, each with its messages",
      wrongIncidents(results),
      messages.join(", "),
    ),
    check("the console answered", wrongAnswers(results.console)),
    memoryCheck(results.memory),
  ];
}

/** Each 5xx without a code, with the windows that were open. @param {Failed[]} failed */
function unnamed(failed) {
  return failed
    .filter(({ code }) => code === "")
    .map(({ ray, kind, status, ms, reason, windows }) => {
      return `${ray} (${kind}) ${status} after ${Math.round(ms)} ms, log: ${reason}; ${windows.join(", ")}`;
    });
}

/** @param {Failed[]} failed @param {RegExp[]} known */
function unexplained(failed, known) {
  return failed.flatMap(({ ray, kind, status, code, reason, isExplained }) => {
    const detail = `${ray} (${kind}) ${status} ${code}: ${reason}`;
    if (reason === undefined || !known.some((pattern) => pattern.test(reason))) {
      return [detail];
    }
    return isExplained ? [] : [`no fault explains ${detail}`];
  });
}

/** @param {Results} results */
function wrongEffects({ accepted, effects }) {
  return [
    ...[...effects.keys()].filter((id) => !accepted.has(id)).map((id) => `${id} has an effect, and is not accepted`),
    ...[...accepted].filter((id) => !effects.has(id)).map((id) => `${id} has no effect`),
    ...[...effects].filter(([, count]) => count !== 1).map(([id, count]) => `${id} has ${count} effects`),
  ];
}

/** @param {Results} results */
function wrongIncidents({ isActivityCurrent, opened, closed, messages }) {
  const wanted = expectedIncidents.flatMap((rule) => [`opened ${rule}`, `closed ${rule}`]);
  return [
    ...(isActivityCurrent ? [] : ["Activity does not know the events that were accepted last"]),
    ...expectedIncidents.filter((rule) => !opened.has(rule)).map((rule) => `${rule} was not open`),
    ...expectedIncidents.filter((rule) => !closed.has(rule)).map((rule) => `${rule} has not closed`),
    ...wanted.filter((message) => !messages.includes(message)).map((message) => `no message ${message}`),
  ];
}

/** A fault may make the console answer 503, but not always. @param {Record<string, number>} counts */
function wrongAnswers(counts) {
  return [
    ...Object.keys(counts).filter((answer) => !/ (200|503)$/.test(answer)),
    ...consolePaths
      .filter((path) => counts[`${path} 200`] === undefined)
      .map((path) => `${path} was never answered 200`),
  ];
}

/** @param {Results["memory"]} memory @returns {Check} */
function memoryCheck({ isJudged, fits, wasm }) {
  const detail = memoryTable(fits, wasm);
  if (!isJudged) {
    return { name: "memory (NOT JUDGED: the run is too short)", isRight: true, isSkipped: true, detail };
  }
  const grown = fits.filter(({ growth, mostGrowth }) => mostGrowth !== undefined && growth > mostGrowth);
  return check("memory is flat", grown.length === 0 ? [] : [detail], detail);
}

/** @param {string} name @param {string[]} failures @param {string} [detail] @returns {Check} */
function check(name, failures, detail = "") {
  const shown = failures.slice(0, 20).join("\n    ");
  const more = failures.length > 20 ? `\n    and ${failures.length - 20} more` : "";
  return { name, isRight: failures.length === 0, detail: failures.length === 0 ? detail : `${shown}${more}` };
}
