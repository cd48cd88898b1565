// The result of a few deliveries, each of which is shown.

import { shown } from "./arguments.ts";
import { columns, cut, plain } from "./columns.ts";
import { answerOf, curesOf } from "./cures.ts";
import { type Delivery, deliverAll, expectedAnswer, type Plan, sizeOf } from "./deliveries.ts";
import { dim, green, type Result, red } from "./output.ts";
import { grouped } from "./progress.ts";
import { sampleTypes } from "./samples.ts";

/** Sends each event of the plan, and returns all answers. */
export async function listed(plan: Plan, signal: AbortSignal): Promise<Result> {
  const made: Delivery[] = [];
  await deliverAll(plan, signal, (delivery) => made.push(delivery));
  if (!plan.shuffle) {
    // A duplicate stays after the first: the sort is stable.
    made.sort((one, other) => one.event - other.event);
  }
  const unexpected = made.filter(({ expected }) => !expected);
  const isOne = plan.count === 1;
  const interrupted = made.length < sizeOf(plan);
  return {
    ok: unexpected.length === 0 && !interrupted,
    text: [
      cut(`${isOne ? plain(plan.types[0] ?? "") : `${plan.count} events`} to ${shown(plan.url)}`),
      isOne ? linesOfOne(plan, made) : linesOfAll(made),
      verdictOf(plan, made.length, unexpected.length),
      ...curesOf(unexpected, plan),
    ].join("\n\n"),
    json: { deliveries: made.map(publicPart), interrupted },
  };
}

/** Returns in one sentence if the answers are the expected ones. */
export function verdictOf(plan: Plan, made: number, unexpected: number): string {
  const notSent = sizeOf(plan) - made;
  const problems = [
    ...(unexpected > 0 ? [`${grouped(unexpected)} of ${grouped(made)} answers not as expected.`] : []),
    ...(notSent > 0 ? [`Interrupted: ${grouped(notSent)} of ${grouped(sizeOf(plan))} not sent.`] : []),
  ];
  return problems.length > 0 ? `${red("no")}  ${problems.join(" ")}` : `${green("ok")}  As expected.`;
}

function linesOfOne(plan: Plan, made: readonly Delivery[]): string {
  const [first] = made;
  if (first === undefined) {
    return "  nothing sent";
  }
  const { eventId, type, bytes } = first;
  const rows = [
    ["event", plain(eventId)],
    ["size", `${bytes} bytes`],
    ...made.flatMap((delivery, index) => [
      [index === 0 ? "answer" : "again", `${answerOf(delivery)} ${dim(`after ${delivery.ms} ms`)}`],
      ...(delivery.expected ? [] : [["", red(`expected: ${expectedAnswer(plan, index > 0)}`)]]),
    ]),
  ];
  const note = sampleTypes.includes(type) ? "" : `\n\n  ${dim("Not a documented type: send --help lists those.")}`;
  return columns(rows) + note;
}

function linesOfAll(made: readonly Delivery[]): string {
  return columns(
    made.map((delivery) => [
      delivery.expected ? green("ok") : red("no"),
      delivery.type,
      answerOf(delivery),
      `${delivery.ms} ms`,
      dim(delivery.eventId),
    ]),
  );
}

function publicPart({ eventId, type, bytes, status, code, ms, retryAfter, expected }: Delivery): object {
  return { eventId, type, bytes, status: status ?? null, code, retryAfter: retryAfter ?? null, ms, expected };
}
