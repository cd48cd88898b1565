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
