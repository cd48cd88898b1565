// `npm run bench:gateway`: what a request costs the gateway, in raw workerd with bindings that answer at once.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { Complaint, root, script } from "../scripts/command.mjs";
import { built, modes, readsOnly, typescript } from "./gateway/contenders.mjs";
import { measure } from "./gateway/rounds.mjs";
import { Server, takeLoadCore } from "./gateway/server.mjs";
import { figure, median, ratios, spread, table } from "./report.mjs";

const usage = `usage: npm run bench:gateway -- [options]
  --worker DIR   another build of the Worker (a folder with worker.mjs), to compare in the same rounds
  --modes LIST   of kv,strict,object
  --rounds N
  --slice N      requests of one contender in one round
  --quick        fewer and shorter rounds`;

await script(async () => {
  const { values } = parseArgs({
    options: {
      worker: { type: "string", multiple: true },
      modes: { type: "string", default: "kv,strict" },
      rounds: { type: "string" },
      slice: { type: "string" },
      quick: { type: "boolean", default: false },
    },
  });
  await takeLoadCore();
  const contenders = [
    readsOnly(),
    await typescript(),
    built("ours", join(root, "build", "worker")),
    ...(values.worker ?? []).map((folder) => built(folder, folder)),
  ];
  for (const mode of values.modes.split(",")) {
    const settings = modes[mode];
    if (settings === undefined) {
      throw new Complaint(usage);
    }
    const servers = contenders.map((contender) => new Server(contender, settings));
    try {
      for (const server of servers) {
        await server.listening();
      }
      const measured = await measure(
        servers,
        Number(values.rounds ?? (values.quick ? 5 : 13)),
        Number(values.slice ?? 2000),
      );
      const base = measured[1]?.cpu ?? [];
      console.log(mode, process.env.DEBUG ? measured.map(({ cpu }) => cpu.map(Math.round).join(" ")).join("\n") : "");
      console.log(
        table(
          ["contender", "CPU µs", "spread", "ratio", "spread", "p50 ms", "p99 ms", "MiB"],
          servers.map((server, index) => {
            const { cpu, p50, p99 } = measured[index] ?? { cpu: [], p50: [], p99: [] };
            const against = ratios(cpu, base);
            return [
              server.name,
              figure(median(cpu)),
              figure(spread(cpu)),
              median(against).toFixed(3),
              figure(spread(against)),
              figure(median(p50)),
              figure(median(p99)),
              figure(server.memory()),
            ];
          }),
        ),
      );
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }
  return 0;
});
