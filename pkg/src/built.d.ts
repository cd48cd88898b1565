// The modules that `cargo xtask npm` makes.

declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "built/enums" {
  /** Sizes, in bytes. */
  export enum Size {
    SecretLength,
    Hash,
    Block,
  }

  /** The part of an HMAC that the runtime has computed. */
  export enum PrecomputedPart {
    Nothing,
    InnerHashes,
    Macs,
  }

  /** The reason why a verified text is no event. */
  export enum EventProblem {
    NotJson,
    IdMissing,
    IdNotAString,
    IdNotUnicode,
  }
}

declare module "built/glue.js" {
  import type { EventProblem, PrecomputedPart } from "built/enums";

  export type Refusal = [
    code: import("./refusal.ts").VerificationErrorCode,
    status: import("./refusal.ts").VerificationErrorStatus,
    message: string,
  ];

  export interface Memory {
    readonly buffer: ArrayBuffer;
  }

  /** The part of the exports of an instance that is used here. */
  export type Exports = { readonly memory: Memory };

  export interface Input {
    reserve(length: number): number;
  }

  export interface Verifier {
    readonly maxBodyBytes: number;
    blocks(): number;
    matches(input: Input, signature: number | undefined, precomputed: PrecomputedPart, body: number): boolean;
    check(input: Input, signature: number | undefined, precomputed: PrecomputedPart, body: number): number | Refusal;
    sign(input: Input, body: number): void;
    free(): void;
  }

  // A type, and not an interface, because WebAssembly takes it as its imports.
  export type Glue = {
    Input: new () => Input;
    Verifier: new (input: Input, secrets: number, maxBodyBytes: number | undefined) => Verifier;
    checkEventId(input: Input, length: number): Refusal | undefined;
    refuseEvent(problem: EventProblem): Refusal;
    getStringFromWasm0(start: number, length: number): string;
    __wbg_set_wasm(exports: Exports): void;
  };

  export default function makeGlue(): Glue;
}

declare module "built/verifier.js" {
  import type { Exports, Glue } from "built/glue.js";
  export default function makeExports(imports: { "./verifier_bg.js": Glue }): Exports;
}

declare module "built/diagnosis-glue.js" {
  import type { Exports } from "built/glue.js";

  // A type, and not an interface, because WebAssembly takes it as its imports.
  export type Glue = {
    diagnose(
      body: Uint8Array,
      signature: Uint8Array | undefined,
      secrets: Uint8Array,
      lengths: Uint32Array,
    ): import("./diagnosis.ts").Diagnosis;
    __wbg_set_wasm(exports: Exports): void;
  };

  export default function makeGlue(): Glue;
}

declare module "built/diagnosis.js" {
  import type { Glue } from "built/diagnosis-glue.js";
  import type { Exports } from "built/glue.js";
  export default function makeExports(imports: { "./diagnosis_bg.js": Glue }): Exports;
}
