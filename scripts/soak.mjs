// `npm run soak`: minutes of good, bad and broken traffic with faults and traps, on what was built; then checks that nothing
// was lost, doubled or forged.

import { parseArgs } from "node:util";
import { Complaint, commonOptions, readArguments, script } from "./command.mjs";

const modes = /** @type {const} */ (["kv", "durable-object"]);
const defects = ["lost", "unhandled", "leak", "unnamed"];

const usage = `usage: npm run soak -- [options]
  --minutes N      of each mode: 15 by default. Memory is judged from 2 minutes on
  --mode MODE      kv, durable-object or both (the default)
  --seed N         of the traffic and the order of the faults: 1 by default
  --defect NAME    breaks something that the soak must find: ${defects.join(", ")}`;

await script(async () => {
  const parse = () =>
    parseArgs({
      options: {
        ...commonOptions,
        minutes: { type: "string", default: "15" },
        mode: { type: "string", default: "both" },
        seed: { type: "string", default: "1" },
        defect: { type: "string", default: "" },
      },
    });
  const { minutes, mode, seed, defect } = readArguments(usage, parse).values;
  const wanted = modes.filter((name) => mode === "both" || mode === name);
  const isKnown = wanted.length > 0 && (defect === "" || defects.includes(defect));
  if (!isKnown || !(Number(minutes) > 0 && Number(minutes) <= 60) || !Number.isInteger(Number(seed))) {
    throw new Complaint(usage);
  }
  // It imports packages that npm installs.
  const { soak } = await import("../tests/soak/run.mjs");
  let [passed, failed, skipped] = [0, 0, 0];
  for (const name of wanted) {
    console.log(`- ${name}, ${minutes} min, seed ${seed}${defect && `, with the defect ${defect}`}`);
    for (const check of await soak(name, { minutes: Number(minutes), seed: Number(seed), defect })) {
      const [mark] = check.isSkipped ? ["--"] : check.isRight ? ["ok"] : ["NOT OK"];
      console.log(`  ${mark} ${check.name}${check.detail && `\n    ${check.detail}`}`);
      skipped += check.isSkipped ? 1 : 0;
      passed += !check.isSkipped && check.isRight ? 1 : 0;
      failed += check.isRight ? 0 : 1;
    }
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? 0 : 1;
});
