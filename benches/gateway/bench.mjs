// `npm run bench:gateway`: what a delivery costs the Worker, beside the same gateway in TypeScript.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Complaint, run, script, step } from "../../scripts/command.mjs";
import { installHono, setUp } from "../../scripts/setup.mjs";
import { writeSection } from "../report.mjs";

const usage = `usage: npm run bench:gateway -- [options]
  --quick          fewer modes, fewer and shorter rounds, without writing docs/benchmarks.md
  --json FILE      writes every round's figures, too
  --modes LIST     of kv, strict and object, separated by commas: times only these, and only what a request costs
  --worker DIR     another build of the Worker (a folder with worker.js), in the same rounds; with kv and strict only,
                   unless --modes says otherwise; may be given several times
  --rounds N       rounds for each of the launches
  --profile FILE   writes a CPU profile of build/worker, or of the last --worker, under load in the first mode, for
                   Chrome's developer tools, says where the time goes, and times nothing
  --built          takes the builds that are there`;

await script(async () => {
  const values = options();
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  await installHono();
  await step("types of the gateway in TypeScript", () => run("tsc", ["--project", "benches/gateway/tsconfig.json"]));
  if (!values.built) {
    await step("building the npm package and the Worker", () => run("cargo", ["xtask", "npm"]));
  }
  await bench(values);
  return 0;
});

function options() {
  try {
    return parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "string" },
        modes: { type: "string" },
        worker: { type: "string", multiple: true, default: [] },
        rounds: { type: "string" },
        profile: { type: "string" },
        built: { type: "boolean", default: false },
      },
    }).values;
  } catch {
    throw new Complaint(usage);
  }
}

/** @param {ReturnType<typeof options>} values */
async function bench({ quick, json, modes, worker, rounds, profile }) {
  // They import what has been installed only now.
  const results = await import("./results.mjs");
  const tables = await import("./tables.mjs");
  const { takeLoadCore } = await import("./server.mjs");
  await takeLoadCore();

  const compares = modes !== undefined || worker.length > 0;
  const extent = quick ? results.quick : results.full;
  const wanted = (modes ?? (compares ? "kv,strict" : extent.modes)).split(",");
  const contenders = await results.contendersWith(worker);
  if (profile !== undefined) {
    const { profiled } = await import("./profile.mjs");
    const contender = contenders.at(-1);
    if (contender !== undefined) {
      console.log(await profiled(contender, results.settingsOf(wanted[0] ?? ""), profile));
    }
    return;
  }

  const perLaunch = Number(rounds ?? extent.gateway.rounds);
  if (!Number.isInteger(perLaunch) || perLaunch < 1) {
    throw new Complaint(usage);
  }
  const gateway = await results.gatewayResults(contenders, wanted, { ...extent.gateway, rounds: perLaunch });
  const gatewayText = tables.gatewayText(gateway);
  console.log(`\n${gatewayText}\n`);
  if (compares) {
    write(json, { gateway });
    return;
  }
  const processes = await results.processResults(contenders, extent);
  const processText = tables.processText(processes);
  console.log(`\n${processText}\n`);
  const growth = await results.growthResults(extent.growth);
  const growthText = tables.growthText(growth);
  console.log(`\n${growthText}`);
  write(json, { gateway, processes, growth });
  if (!quick) {
    await writeSection("gateway", `${gatewayText}\n\n${processText}`);
    await writeSection("growth", growthText);
  }
}

/** @param {string | undefined} file @param {unknown} results */
function write(file, results) {
  if (file !== undefined) {
    writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  }
}
