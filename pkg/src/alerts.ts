// The entry cronozen-edge/alerts.
/// <reference path="./runtime.d.ts" />

export { alerts } from "./alerts/alerts.ts";
export type { JsonAlert } from "./alerts/formats.ts";
export type { AlertKind, Detail, Message } from "./alerts/message.ts";
export type { AlertOptions } from "./alerts/options.ts";
export type { RuleName, RuleOptions } from "./alerts/rules.ts";
export type { AlertSource } from "./alerts/signals.ts";
export {
  discord,
  type EmailBinding,
  type EmailOptions,
  email,
  json,
  type Sink,
  type SinkOptions,
  slack,
  teams,
} from "./alerts/sinks.ts";
