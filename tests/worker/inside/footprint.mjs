// The size of the built Worker's WebAssembly memory. Imported before the Worker, which instantiates itself
// as soon as it is imported.

/** @type {WebAssembly.Memory | undefined} */
let memory;

const { Instance } = WebAssembly;
const scope = /** @type {any} */ (WebAssembly);
scope.Instance = class extends Instance {
  /** @param {WebAssembly.Module} module @param {WebAssembly.Imports} imports */
  constructor(module, imports) {
    super(module, imports);
    memory = /** @type {WebAssembly.Memory} */ (this.exports.memory);
  }
};

/** The current size, in bytes. */
export function wasmBytes() {
  return memory?.buffer.byteLength ?? 0;
}
