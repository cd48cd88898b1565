// The modules that a build lays beside the shim.

declare module "*/index.js" {
  export function initSync(options: { module: WebAssembly.Module }): unknown;
  export function fetch(request: Request, env: unknown, ctx: ExecutionContext): Promise<Response>;
  /** Of the example consumer in Rust. */
  export function receive(message: unknown, env: unknown): Promise<void>;
  /** Of the example consumer in Rust. */
  export function bury(message: unknown, env: unknown): Promise<void>;
  export function __wbg_reset_state(): void;
  export class DeduperObject {
    constructor(storage: DurableObjectStorage, env: unknown);
    commit(call: unknown): Promise<object>;
    alarm(): Promise<string | undefined>;
  }
}

declare module "*/index_bg.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*/gateway/worker.mjs" {
  const gateway: { fetch(request: Request, env: unknown, ctx: ExecutionContext): Promise<Response> };
  export default gateway;
  export class Deduper {
    constructor(ctx: DurableObjectState, env: unknown);
    commit(call: unknown): Promise<unknown>;
    alarm(): Promise<void>;
  }
}

declare module "*/consumer/worker.mjs" {
  const consumer: { queue(batch: unknown, env: unknown): Promise<void> };
  export default consumer;
}
