// `doctor` finds mistakes in the consumer's settings and code, and with secrets.

import { consumerToml, cuts, devVars, edits, testMistakes, toml, twoWorkers, vars } from "./mistakes.mjs";

testMistakes({
  queue_consumed: [
    { makes: cuts("[[queues.consumers]]", 'queue = "cronozen-events"') },
    {
      options: twoWorkers,
      makes: (project) =>
        project.write(toml, `${project.read(toml)}\n[[queues.consumers]]\nqueue = "cronozen-events"\n`),
      problems: ["queue_consumed", "dead_letter_queue"],
      cure: cuts("[[queues.consumers]]"),
    },
  ],
  queue_named: {
    makes: (project) => project.write(toml, project.read(toml).replaceAll('"cronozen-events"', '"shop-events"')),
  },
  dead_letter_queue: { makes: edits('dead_letter_queue = "cronozen-events-dead"\n', "") },
  dead_letters_consumed: { makes: cuts("[[queues.consumers]]", 'queue = "cronozen-events-dead"\nmax_batch_size') },
  retries: [{ makes: edits("max_retries = 10\n", "") }, { makes: edits("max_retries = 10\n", "max_retries = 5\n") }],
  retry_time: { makes: edits("retry_delay = 300", "retry_delay = 14000") },
  dead_letter_retries: { makes: edits("retry_delay = 14400", "retry_delay = 60") },
  producer_events: {
    options: twoWorkers,
    makes: edits('binding = "EVENTS"\nqueue = "cronozen-events"', 'binding = "EVENTS"\nqueue = "events"', consumerToml),
  },
  producer_dead_letters: { makes: cuts("[[queues.producers]]", "DEAD_LETTERS") },
  ledger_bound: { makes: cuts("[[d1_databases]]", '"DB"') },
  ledger_same: {
    makes: edits("ledger: (env) => env.DB", "ledger: (env) => env.DEAD_LETTERS_DB", "src/consumer.ts"),
    cure: edits("ledger: (env) => env.DEAD_LETTERS_DB", "ledger: (env) => env.DB", "src/consumer.ts"),
  },
  dead_letters_bound: { makes: cuts("[[d1_databases]]", '"DEAD_LETTERS_DB"') },
  alerts_run: { makes: cuts("[triggers]") },
  signing_secret_required: { makes: edits('["CRONOZEN_SIGNING_SECRET", "ADMIN_TOKEN"]', '["ADMIN_TOKEN"]') },
  admin_token_required: [
    { makes: edits('["CRONOZEN_SIGNING_SECRET", "ADMIN_TOKEN"]', '["CRONOZEN_SIGNING_SECRET"]') },
    {
      options: twoWorkers,
      makes: edits('["CRONOZEN_SIGNING_SECRET", "ADMIN_TOKEN"]', '["CRONOZEN_SIGNING_SECRET"]', consumerToml),
    },
  ],
  access: { makes: vars('ACCESS_TEAM = "acme"'), cure: edits('ACCESS_TEAM = "acme"', "") },
  secrets_not_in_vars: { makes: vars('CRONOZEN_SIGNING_SECRET_NEXT = "whsec_5f1d2c7b9a"') },
  signing_secret_usable: [
    { makes: (project) => project.write(".dev.vars", devVars('""')) },
    { makes: (project) => project.write(".dev.vars", devVars("'\"whsec_5f1d2c7b9a\"'")) },
    { makes: (project) => project.write(".dev.vars", devVars(`"${"whsec_5f1d2c7b9a ".repeat(9)}"`)) },
  ],
  admin_token_usable: { makes: (project) => project.write(".dev.vars", devVars(undefined, "short-91")) },
  secrets_ignored: [
    {
      makes(project) {
        project.run("git init --quiet && rm .gitignore");
        project.write(".dev.vars", devVars());
      },
    },
    {
      makes(project) {
        project.write(".dev.vars", devVars());
        project.run("rm .gitignore && git init --quiet && git add .dev.vars");
      },
    },
    {
      makes(project) {
        project.write(".gitignore", ".dev.vars\n");
        project.write(".dev.vars.staging", devVars());
        project.run("git init --quiet");
      },
    },
    {
      makes(project) {
        project.write(".gitignore", ".dev.vars\n");
        project.write(".dev.vars.staging", devVars());
        project.run("git init --quiet && git add .dev.vars.staging");
      },
    },
  ],
});
