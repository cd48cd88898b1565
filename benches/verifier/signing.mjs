// Signs a body in the form that each contender requires, so that each does its usual work.

import { createHmac } from "node:crypto";
import { sign } from "../../scripts/delivery.mjs";
import { bodyOf } from "./inside/bodies.mjs";
import { secret, standardSecret } from "./inside/secrets.mjs";

/** @typedef {(text: string) => string} Change */

/** @type {Change} */
const none = (text) => text;

/**
 * Returns the headers of a body, signed now: peers refuse signatures that are older than five minutes.
 *
 * @param {number} size
 * @param {{ suffix?: string, change?: Change }} [wrongs] an addition to the keys, and a change to each signature
 * @returns {import("./types.js").Headers}
 */
export function headersOf(size, { suffix = "", change = none } = {}) {
  const body = bodyOf({ size, altered: false });
  const key = secret + suffix;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const id = "msg_0001";
  const standardKey = Buffer.concat([Buffer.from(standardSecret.replace("whsec_", ""), "base64"), Buffer.from(suffix)]);
  const own = change(sign(body, key));
  const stripe = change(sign(`${timestamp}.${body}`, key));
  const standard = change(createHmac("sha256", standardKey).update(`${id}.${timestamp}.${body}`).digest("base64"));
  return {
    cronozen: own,
    github: own && `sha256=${own}`,
    stripe: stripe && `t=${timestamp},v1=${stripe}`,
    standard: standardHeaders("webhook", id, timestamp, standard),
    svix: standardHeaders("svix", id, timestamp, standard),
  };
}

/** @param {string} prefix @param {string} id @param {string} timestamp @param {string} signature */
function standardHeaders(prefix, id, timestamp, signature) {
  return {
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: timestamp,
    [`${prefix}-signature`]: signature && `v1,${signature}`,
  };
}
