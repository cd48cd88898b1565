// The checks, with require.

const cronozen = require("cronozen-edge");
const noWasm = require("cronozen-edge/no-wasm");

async function main() {
  const { check } = await import("./checks.js");
  const { default: vectors } = await import("./vectors.js");
  const { failures } = await check(noWasm, vectors);
  const report = await check(cronozen, vectors);
  console.log(JSON.stringify({ ...report, failures: [...report.failures, ...failures] }));
}

main();
