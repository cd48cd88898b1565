// The build without WebAssembly, where nothing can be compiled.

WebAssembly.Module = WebAssembly.Instance = class {
  constructor() {
    throw new WebAssembly.CompileError("forbidden");
  }
};
const cronozen = await import("cronozen-edge/no-wasm");
const { check } = await import("./checks.js");
const { default: vectors } = await import("./vectors.js");

console.log(JSON.stringify(await check(cronozen, vectors)));
