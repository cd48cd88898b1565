// Globals that only some runtimes have.

interface Uint8ArrayConstructor {
  fromHex?(hex: string): Uint8Array<ArrayBuffer>;
}

interface ArrayBuffer {
  readonly resizable?: boolean;
}

/** Node's, also in Deno and Bun. */
declare var Buffer: { from(text: string, encoding: "hex"): Uint8Array<ArrayBuffer> } | undefined;

type CryptoHash = (algorithm: "sha256", data: string | Uint8Array, encoding?: "latin1") => string;

/** Node's, also in Deno and Bun. */
declare var process: { getBuiltinModule?(name: "node:crypto"): { hash?: CryptoHash } } | undefined;

declare var Deno: object | undefined;

interface BunSha256 {
  hash(data: Uint8Array, into: Uint8Array): unknown;
}

declare var Bun: { SHA256?: BunSha256 } | undefined;
