// The gateway in a separate process, for the test that kills it: node crash-gateway.mjs JOURNAL STORAGE

import assert from "node:assert/strict";
import { TestGateway } from "./gateway.mjs";

const [, , journal, storage] = process.argv;
assert.ok(journal && storage, "usage: node crash-gateway.mjs JOURNAL STORAGE");
const gateway = await TestGateway.start("worker", { journal, storage });
console.log(gateway.url.href);
// The test may end without killing this.
process.stdin.on("close", () => process.exit()).resume();
