type Global<Name extends string> = typeof globalThis extends { [name in Name]: { prototype: infer Type } }
  ? Type
  : unknown;

/** What the gateway uses of the execution context. */
export interface GatewayContext {
  waitUntil(promise: Promise<unknown>): void;
}

/** The gateway, with the settings and bindings that the README describes in `env`. */
declare const gateway: {
  fetch(request: Global<"Request">, env: unknown, context: GatewayContext): Promise<Global<"Response">>;
};

export default gateway;

/** The class of the Durable Objects that strict mode uses: export it from your Worker, and bind it as `DEDUPER`. */
export declare class Deduper {
  /** What TypeScript knows a Durable Object by. */
  readonly __DURABLE_OBJECT_BRAND: never;
  constructor(state: unknown, env: unknown);
  /** Called by the gateway: leases an event to one delivery at a time. */
  acquire(eventId: string, ignoresRow: boolean, waitMs: number): Promise<unknown>;
  /** Called by the gateway: remembers an event whose lease was lost in a restart. */
  mark(eventId: string, endsAt: number): Promise<void>;
  /** Throws away what need not be remembered any more. */
  alarm(): Promise<void>;
}
