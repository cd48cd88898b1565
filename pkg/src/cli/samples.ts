// Events like Cronozen's, for trying a receiver. Cronozen documents no payload, so `data` is made up.

import { randomUUID } from "node:crypto";

/** An event to be sent. */
export interface SampleEvent {
  readonly eventId: string;
  readonly type: string;
  readonly createdAt: string;
  readonly data: unknown;
}

const eventPrefix = "evt_";

/** The types that Cronozen documents, each with made-up data for an event whose id ends with `suffix`. */
const samples = new Map<string, (suffix: string) => object>([
  ["dpu.sealed", (suffix) => ({ dpuId: `dpu_${suffix}`, seal: "sha256", sealedBy: "Ada Park" })],
  ["dpu.verified", (suffix) => ({ dpuId: `dpu_${suffix}`, valid: true })],
  ["agent.decision.completed", (suffix) => ({ decisionId: `dec_${suffix}`, outcome: "approved", confidence: 0.93 })],
  ["agent.approval.requested", (suffix) => ({ decisionId: `dec_${suffix}`, approver: "Ada Park" })],
  ["payment.completed", (suffix) => ({ paymentId: `pay_${suffix}`, amount: "49.00", currency: "EUR" })],
  [
    "payment.failed",
    (suffix) => ({ paymentId: `pay_${suffix}`, amount: "49.00", currency: "EUR", reason: "card declined" }),
  ],
  ["attendance.verified", (suffix) => ({ attendanceId: `att_${suffix}`, person: "Kim Mira", place: "Seoul" })],
  ["certificate.issued", (suffix) => ({ certificateId: `cert_${suffix}`, name: "First aid", holder: "Kim Mira" })],
  ["workflow.transitioned", (suffix) => ({ workflowId: `wf_${suffix}`, from: "draft", to: "approved" })],
]);

export const sampleTypes: readonly string[] = [...samples.keys()];

/**
 * Returns an event of a type, a new one by default. The same id and time give the same event, so that a duplicate need not be
 * kept. A type that Cronozen does not document has empty data.
 */
export function sampleOf(
  type: string,
  { eventId = newEventId(), createdAt = new Date().toISOString(), data = madeUp(type, eventId) } = {},
): SampleEvent {
  return { eventId, type, createdAt, data };
}

/** Returns a new event id. It is short enough for a line of a terminal. */
export function newEventId(): string {
  return `${eventPrefix}${randomUUID().replaceAll("-", "").slice(0, 10)}`;
}

function madeUp(type: string, eventId: string): object {
  return samples.get(type)?.(eventId.replace(eventPrefix, "")) ?? {};
}
