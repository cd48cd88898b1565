// The loop in Node, Deno and Bun: a request a line on standard input, a reply a line on standard output.

import process from "node:process";
import { createInterface } from "node:readline";
import { startLoop } from "./loop.mjs";

const [, , runtime = ""] = process.argv;
const loop = await startLoop(runtime);
console.log(JSON.stringify(loop.contenders));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await loop.run(JSON.parse(line))));
}
