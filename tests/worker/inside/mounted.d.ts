// The modules of the built Workers, which the tests and the benchmarks mount beside their own.

declare module "*/gateway/worker.js" {
  type Gateway = typeof import("../../../src/js/worker.js");
  const gateway: Gateway["default"];
  export default gateway;
  export const Activity: Gateway["Activity"];
  export type Activity = InstanceType<Gateway["Activity"]>;
  export const Deduper: Gateway["Deduper"];
  export type Deduper = InstanceType<Gateway["Deduper"]>;
}

declare module "*/consumer/worker.js" {
  const consumer: typeof import("../../../examples/consumer-rust/src/worker.js").default;
  export default consumer;
}

declare module "node:crypto" {
  interface Hmac {
    update(text: string): Hmac;
    digest(encoding: "hex"): string;
  }
  export function createHmac(hash: "sha256", key: string): Hmac;
}
