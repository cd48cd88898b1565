// The entry cronozen-edge/console.
/// <reference path="./runtime.d.ts" />

export { type ConsoleOptions, console } from "./console/console.ts";
export type { AccessSettings } from "./console/settings.ts";
