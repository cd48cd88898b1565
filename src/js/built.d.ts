// The modules that a build puts beside the shim.

declare module "*/index.js" {
  export function initSync(options: { module: WebAssembly.Module }): unknown;
  /** A request, and the parts of it that a delivery needs. */
  export interface RequestParts {
    request: Request;
    method: string;
    path: string | undefined;
    contentLength: string | null;
    signature: string | null;
    address: string | null;
    ray: string | null;
  }
  export function fetch(
    parts: RequestParts,
    env: unknown,
    ctx: { waitUntil(work: Promise<unknown>): void },
    respond: (status: number, contentType: string, body: string, allow?: string, retryAfter?: number) => void,
  ): void;
  /** Exported by the example consumer in Rust only. */
  export function consume(message: unknown, env: unknown): Promise<void>;
  /** Exported by the example consumer in Rust only. */
  export function keepDeadLetter(message: unknown, env: unknown): Promise<void>;
  export function __wbg_reset_state(): void;
  export class DeduperObject {
    constructor(storage: DurableObjectStorage, generation: number);
    acquire(
      eventId: string,
      ignoresRow: boolean,
      waitMs: number,
      answer: (outcome?: string, lease?: number, failure?: string) => void,
    ): void;
    mark(eventId: string, endsAt: number, lease?: number): string | undefined;
    release(eventId: string, lease: number): void;
    alarm(done: (failure?: string) => void): void;
  }
}

declare module "*/index_bg.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
