// Events like Cronozen's, for trying a receiver. Cronozen documents no payload, so `data` is made up.

import { randomUUID } from "node:crypto";

/** An event to be sent. */
export interface SampleEvent {
  readonly eventId: string;
  readonly type: string;
  readonly createdAt: string;
  readonly data: unknown;
}

/** The types that Cronozen documents, each with made-up data. */
const samples: Readonly<Record<string, () => object>> = {
  "dpu.sealed": () => ({ dpuId: idOf("dpu"), seal: "sha256", sealedBy: "Ada Park" }),
  "dpu.verified": () => ({ dpuId: idOf("dpu"), valid: true }),
  "agent.decision.completed": () => ({ decisionId: idOf("dec"), outcome: "approved", confidence: 0.93 }),
  "agent.approval.requested": () => ({ decisionId: idOf("dec"), approver: "Ada Park" }),
  "payment.completed": () => ({ paymentId: idOf("pay"), amount: "49.00", currency: "EUR" }),
  "payment.failed": () => ({ paymentId: idOf("pay"), amount: "49.00", currency: "EUR", reason: "card declined" }),
  "attendance.verified": () => ({ attendanceId: idOf("att"), person: "Kim Mira", place: "Seoul" }),
  "certificate.issued": () => ({ certificateId: idOf("cert"), name: "First aid", holder: "Kim Mira" }),
  "workflow.transitioned": () => ({ workflowId: idOf("wf"), from: "draft", to: "approved" }),
};

export const sampleTypes: readonly string[] = Object.keys(samples);

/** Returns a new event of a type. A type that Cronozen does not document has empty data. */
export function sampleOf(type: string, { eventId = idOf("evt"), data = samples[type]?.() ?? {} } = {}): SampleEvent {
  return { eventId, type, createdAt: new Date().toISOString(), data };
}

function idOf(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
}
