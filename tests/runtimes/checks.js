// The checks that run in every runtime: plain JavaScript that uses only what it tests.

import { checkBackends } from "./checks/backends.js";
import { checkArguments, checkAsynchronous, checkCap, checkEvents, checkMistakes } from "./checks/calls.js";
import { Checks } from "./checks/report.js";
import { checkRequests } from "./checks/requests.js";
import { checkEnvelope, checkSignature } from "./checks/vectors.js";

/**
 * @typedef {typeof import("cronozen-edge")} Package
 * @typedef {{ text?: string, hex?: string, times?: number }} Part
 * @typedef {{ name: string, level: string, secrets: string[], body: Part[], signature: string | null, expect: any }} Vector
 * @typedef {{ signatures: Vector[], envelopes: Vector[] }} Vectors
 * @typedef {{ verdicts: string[], failures: string[] }} Report
 */

/**
 * @param {Package} cronozen
 * @param {Vectors} vectors
 * @returns {Promise<Report>} all verdicts, to be compared between runtimes, and the failures
 */
export async function check(cronozen, vectors) {
  const report = new Checks();
  for (const vector of vectors.signatures) {
    checkSignature(report, cronozen, vector);
  }
  for (const vector of vectors.envelopes) {
    checkEnvelope(report, cronozen, vector);
  }
  await checkBackends(report, cronozen, [...vectors.signatures, ...vectors.envelopes]);
  checkEvents(report, cronozen);
  await checkAsynchronous(report, cronozen);
  checkArguments(report, cronozen);
  checkMistakes(report, cronozen);
  checkCap(report, cronozen);
  await checkRequests(report, cronozen);
  return { verdicts: report.verdicts, failures: report.failures };
}
