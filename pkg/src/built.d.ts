// The modules that `cargo xtask npm` makes.

declare module "built/verifier.hex" {
  const hex: string;
  export default hex;
}

declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "built/enums" {
  /** The part of an HMAC that the runtime has computed. */
  export enum Precomputed {
    Nothing,
    InnerHashes,
    Macs,
  }

  /** The reason why a verified text is no event. */
  export enum EventFault {
    NotJson,
    IdMissing,
    IdNotAString,
    IdNotUnicode,
  }
}

declare module "built/glue.js" {
  import type { EventFault, Precomputed } from "built/enums";
  import type { VerificationErrorCode } from "../index.js";

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

  export interface Verifier {
    readonly maxBodyBytes: number;
    blocks(): number;
    matches(input: Input, signature: number | undefined, precomputed: Precomputed, body: number): boolean;
    check(input: Input, signature: number | undefined, precomputed: Precomputed, body: number): number | Refusal;
    sign(input: Input, body: number): void;
    free(): void;
  }

  export interface Glue {
    Input: new () => Input;
    Verifier: new (input: Input, secrets: number, maxBodyBytes: number | undefined) => Verifier;
    checkEventId(input: Input, length: number): Refusal | undefined;
    refuseEvent(fault: EventFault): Refusal;
    getStringFromWasm0(start: number, length: number): string;
    __wbg_set_wasm(exports: Exports): void;
  }

  export default function makeGlue(): Glue;
}

declare module "built/verifier.js" {
  import type { Exports } from "built/glue.js";
  export default function makeExports(imports: { "./verifier_bg.js": unknown }): Exports;
}
