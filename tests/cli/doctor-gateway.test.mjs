// `doctor` finds mistakes in the gateway's settings and code.

import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";
import { consumerToml, cuts, edits, testMistakes, toml, twoWorkers, vars } from "./mistakes.mjs";

testMistakes({
  settings_readable: { makes: edits("[vars]", "[vars"), cure: edits("[vars", "[vars]") },
  settings_known: { makes: edits("[observability]", "[observabilty]") },
  code_readable: [
    { makes: edits('main = "src/index.ts"', 'main = "src/indx.ts"'), cure: edits("indx", "index") },
    { makes: edits('main = "src/index.ts"\n', "") },
    {
      makes: edits('"./consumer.ts"', '"./consumers.ts"', "src/index.ts"),
      cure: edits("consumers.ts", "consumer.ts", "src/index.ts"),
    },
  ],
  package_installed: {
    makes({ folder }) {
      rmSync(join(folder, "node_modules"));
      mkdirSync(join(folder, "node_modules"));
      symlinkSync(join(root, "node_modules", "wrangler"), join(folder, "node_modules", "wrangler"));
    },
    // As npm install does.
    cure: ({ folder }) => symlinkSync(join(root, "pkg"), join(folder, "node_modules", "cronozen-edge")),
  },
  classes_exported: [
    { makes: edits("export { Activity, Deduper }", "export { Deduper }", "src/index.ts") },
    { makes: edits("export { Activity, Deduper }", "export { Activity }", "src/index.ts") },
  ],
  classes_migrated: [
    { makes: cuts("[[migrations]]", "Activity") },
    { makes: edits("new_sqlite_classes", "new_classes") },
    {
      makes: edits("new_sqlite_classes", 'deleted_classes = ["Old"]\nnew_sqlite_classes'),
      cure: edits('deleted_classes = ["Old"]\n', ""),
    },
  ],
  events_bound: { makes: cuts("[[queues.producers]]", '"EVENTS"') },
  dedupe: { makes: edits('"durable-object"', '"durable"'), cure: edits('"durable"', '"durable-object"') },
  migrate_from_kv: { makes: vars('MIGRATE_FROM_KV = "yes"') },
  dedupe_store: [
    { makes: cuts("[[durable_objects.bindings]]", "DEDUPER") },
    { makes: edits('DEDUPE = "durable-object"', "") },
  ],
  migration_source: { makes: vars("MIGRATE_FROM_KV = true") },
  dedupe_ttl: { makes: vars("DEDUPE_TTL_SECONDS = 3600") },
  replay: { makes: vars('REPLAY = "reject"') },
  max_body_bytes: { makes: vars("MAX_BODY_BYTES = 2000000"), problems: ["max_body_bytes", "bodies_bound"] },
  bodies_bound: {
    makes(project) {
      vars("MAX_BODY_BYTES = 1048576")(project);
      project.edit(
        "src/consumer.ts",
        "secrets: signingSecrets",
        "secrets: signingSecrets, bodies: (env) => env.BODIES",
      );
    },
    problems: ["bodies_bound", "bodies_consumed"],
  },
  bodies_consumed: {
    makes: edits(
      "[vars]",
      '[[r2_buckets]]\nbinding = "BODIES"\nbucket_name = "cronozen-bodies"\n\n[vars]\nMAX_BODY_BYTES = 1048576',
    ),
    cure: edits("secrets: signingSecrets", "secrets: signingSecrets, bodies: (env) => env.BODIES", "src/consumer.ts"),
  },
  deadline: [{ makes: vars("DEADLINE_MS = 6000") }, { makes: vars('DEADLINE_MS = "4 s"') }],
  webhook_path: [{ makes: vars('WEBHOOK_PATH = "/webhooks/{id}"') }, { makes: vars('WEBHOOK_PATH = "/console/hook"') }],
  webhook_routed: [
    { makes: edits("workers_dev = true", "workers_dev = false") },
    {
      makes: edits("workers_dev = true", 'workers_dev = false\nroutes = ["example.com/console/*"]'),
      cure: edits('routes = ["', 'routes = ["example.com/webhooks/cronozen", "'),
    },
    {
      makes(project) {
        mkdirSync(join(project.folder, "public/webhooks"), { recursive: true });
        project.write("public/webhooks/cronozen.html", "<p>hello</p>");
        project.edit(toml, "[vars]", '[assets]\ndirectory = "public"\n\n[vars]');
      },
    },
    {
      options: twoWorkers,
      makes(project) {
        project.edit(toml, "workers_dev = true", 'workers_dev = false\nroutes = ["example.com/*"]');
        project.edit(consumerToml, "workers_dev = true", 'workers_dev = false\nroutes = ["example.com/webhooks*"]');
      },
      cure: edits("example.com/webhooks*", "example.com/console*", consumerToml),
    },
  ],
  failures_bound: {
    makes(project) {
      project.cut(toml, "[[ratelimits]]");
      project.edit(toml, "[vars]", '[[kv_namespaces]]\nbinding = "FAILURES"\n\n[vars]');
    },
    cure: edits('"FAILURES"', '"MINE"'),
  },
  activity_bound: [
    { options: twoWorkers, makes: cuts("[[durable_objects.bindings]]", "ACTIVITY", consumerToml) },
    { options: twoWorkers, makes: cuts("[[durable_objects.bindings]]", "ACTIVITY") },
    {
      options: twoWorkers,
      makes: edits('script_name = "cronozen-edge"', 'script_name = "gateway"', consumerToml),
      cure: edits('script_name = "gateway"', 'script_name = "cronozen-edge"', consumerToml),
    },
  ],
  version_bound: { makes: cuts("[version_metadata]") },
  names_known: { makes: vars("DEDUPE_TTL_SECOND = 2592000") },
});
