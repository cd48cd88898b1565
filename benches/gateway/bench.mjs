// `npm run bench:gateway`: measures the cost of a delivery in the Worker and in the same gateway in TypeScript.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Complaint, commonOptions, readArguments, runQuietly, script, step } from "../../scripts/command.mjs";
import { installHono, setUp } from "../../scripts/setup.mjs";
import { writeSection } from "../report.mjs";

const usage = `usage: npm run bench:gateway -- [options]
  --quick          fewer modes, fewer and shorter rounds; does not write docs/benchmarks.md
  --json FILE      also writes the figures of every round to FILE
  --modes LIST     times only requests, and only in these modes: kv, strict and object, separated by commas
  --worker DIR     also times another build of the Worker (a folder with worker.js) in the same rounds; only requests,
                   in kv and strict unless --modes is given; can be repeated
  --attack         times only what a forger sends, and writes only its section
  --rounds N       the number of rounds in each launch
  --profile FILE   writes a CPU profile of build/worker, or of the last --worker, under load in the first mode, for
                   Chrome's developer tools, prints the slowest functions, and times nothing
  --built          uses the existing builds`;

await script(async () => {
  const values = options();
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  await installHono();
  await step("Checking the types of the gateway in TypeScript", () =>
    runQuietly("tsc", ["--project", "benches/gateway/tsconfig.json"]),
  );
  if (!values.built) {
    await step("Building the npm package and the Worker", () => runQuietly("cargo", ["xtask", "npm"]));
  }
  await bench(values);
  return 0;
});

function options() {
  const parse = () =>
    parseArgs({
      options: {
        ...commonOptions,
        quick: { type: "boolean", default: false },
        json: { type: "string" },
        modes: { type: "string" },
        worker: { type: "string", multiple: true, default: [] },
        rounds: { type: "string" },
        attack: { type: "boolean", default: false },
        profile: { type: "string" },
        built: { type: "boolean", default: false },
      },
    });
  return readArguments(usage, parse).values;
}

/** @param {ReturnType<typeof options>} values */
async function bench({ quick, json, modes, worker, rounds, attack, profile }) {
  // These modules import packages that have just been installed.
  const results = await import("./results.mjs");
  const tables = await import("./tables.mjs");
  const { attackText } = await import("./attack.mjs");
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

  const timeAttack = async () => {
    const ours = contenders.find(({ name }) => name === "ours") ?? contenders[0];
    const costs = await results.attackResults(/** @type {any} */ (ours), extent.attack);
    const text = attackText(costs.machine, costs.modes, tables.titles);
    console.log(`\n${text}\n`);
    if (!quick) {
      await writeSection("attack", text);
    }
    return costs;
  };
  if (attack) {
    write(json, { attack: await timeAttack() });
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
  write(json, { gateway, processes, growth, attack: await timeAttack() });
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
