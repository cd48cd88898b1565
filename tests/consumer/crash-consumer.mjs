// The consumer in a separate process, for the test that kills it: node crash-consumer.mjs STORAGE

import assert from "node:assert/strict";
import { TestConsumer } from "./consumer.mjs";

const [, , storage] = process.argv;
assert.ok(storage, "usage: node crash-consumer.mjs STORAGE");
const consumer = await TestConsumer.start({ failing: 5, repeated: 20, sendMs: 40, storage });
console.log(consumer.url.href);
// The test may end without killing this.
process.stdin.on("close", () => process.exit()).resume();
