// The modules that `cargo xtask npm` makes.

declare module "*/verifier.txt" {
  const text: string;
  export default text;
}

declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*/build/npm/glue.js" {
  import type { VerificationErrorCode } from "cronozen-edge";

  /** Code, status and message. */
  export type Refusal = [VerificationErrorCode, 400 | 401 | 413, string];

  export interface Memory {
    readonly buffer: ArrayBuffer;
  }

  export interface Exports {
    readonly memory: Memory;
  }

  export interface Input {
    reserve(length: number): number;
  }

  export interface Keys {
    readonly maxBodyBytes: number;
    matches(input: Input, signature: number | undefined, body: number): boolean;
    check(input: Input, signature: number | undefined, body: number): number | Refusal;
    free(): void;
  }

  export interface Glue {
    Input: new () => Input;
    Verifier: new (input: Input, lengths: number[], maxBodyBytes: number | undefined) => Keys;
    checkEventId(id: unknown): Refusal | undefined;
    notJson(): Refusal;
    getStringFromWasm0(start: number, length: number): string;
    sign(input: Input, secret: number, body: number): string;
    __wbg_set_wasm(exports: Exports): void;
  }

  export default function makeGlue(): Glue;
}

declare module "*/build/npm/verifier.js" {
  import type { Exports, Glue } from "*/build/npm/glue.js";
  export default function makeExports(glue: Glue): Exports;
}
