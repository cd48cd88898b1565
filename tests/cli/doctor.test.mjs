// `doctor` in projects that are right, in other formats and environments, and what it prints.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runCli } from "./cli.mjs";
import { consumerToml, devVars, toml, twoWorkers } from "./mistakes.mjs";
import { newProject } from "./project.mjs";

/** A gateway alone, as pkg/README.md describes it, in JSON. */
const gatewayJson = {
  name: "shop",
  main: "worker.js",
  compatibility_date: "2026-10-01",
  workers_dev: true,
  secrets: { required: ["CRONOZEN_SIGNING_SECRET"] },
  kv_namespaces: [{ binding: "SEEN" }],
  queues: { producers: [{ binding: "EVENTS", queue: "cronozen-events" }] },
};

/** @param {object} changes */
async function jsonProject(changes = {}) {
  const project = await newProject();
  project.run("rm -r wrangler.toml src");
  project.write("worker.js", 'export { default } from "cronozen-edge/worker";\n');
  project.write("wrangler.json", JSON.stringify({ ...gatewayJson, ...changes }));
  return project;
}

for (const options of [[], ["--javascript"], ["--two-workers"], twoWorkers]) {
  test(`a new project is right: init ${options.join(" ")}`, async () => {
    const project = await newProject(...options);
    const { code, ok, checks } = await project.examine();
    assert.deepEqual(
      checks.filter(({ status }) => status !== "ok"),
      [],
    );
    assert.equal(code, 0);
    assert.equal(ok, true);
    assert.ok(checks.length > 30);
  });
}

test("the report of a right project fits on a screen", async () => {
  const project = await newProject();
  project.write(".dev.vars", devVars());
  const { code, stdout, stderr } = await runCli(["doctor"], { folder: project.folder });
  assert.equal(code, 0);
  assert.equal(stderr, "");
  const lines = stdout.trimEnd().split("\n");
  assert.ok(lines.length <= 24, `${lines.length} lines`);
  assert.ok(
    lines.every((line) => line.length <= 80),
    stdout,
  );
  assert.match(stdout, /All is well: \d+ checks passed\./);
});

test("problems come first, each with its cure", async () => {
  const project = await newProject();
  project.cut(toml, "[version_metadata]");
  project.edit(toml, "max_retries = 10", "max_retries = 5");
  const { code, stdout } = await runCli(["doctor"], { folder: project.folder });
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^problem {2}version_bound\n {2}CF_VERSION_METADATA not bound: .*\n(.*\n)*? {4}\[version_metadata\]\n {4}binding/,
  );
  assert.match(stdout, /\n {4}max_retries = 10\n[\s\S]*\nok {2}settings/);
  assert.match(stdout, /\n2 problems: \d+ checks passed\.\n$/);
});

test("a gateway alone in wrangler.json is right, and its consumer is not known", async () => {
  const project = await jsonProject();
  const { code, checks } = await project.examine();
  assert.equal(code, 0);
  const open = checks.filter(({ status }) => status !== "ok");
  assert.deepEqual(
    open.map((check) => [check.code, check.status]),
    [["queue_consumed", "unknown"]],
  );
  assert.match(open[0]?.cure ?? "", /-c wrangler\.json -c \.\.\/consumer\/wrangler\.toml$/);
});

test("cures for wrangler.json are in JSON", async () => {
  const project = await jsonProject({
    vars: { DEDUPE: "durable-object", DEADLINE_MS: 9000 },
    secrets: { required: [] },
    queues: {},
  });
  const wanted = ["events_bound", "dedupe_store", "deadline", "signing_secret_required"];
  let found = await project.examine();
  assert.deepEqual(found.problems, wanted);
  // The class is bound then, and neither exported nor migrated.
  for (const code of [...wanted, "classes_exported", "classes_migrated"]) {
    const cure = found.checks.find((check) => check.code === code && check.status === "problem")?.cure;
    project.follow(cure ?? assert.fail(`${code} has no cure`));
    found = await project.examine();
  }
  assert.deepEqual(found.problems, []);
});

test("settings in several folders are looked at together", async () => {
  const project = await newProject(...twoWorkers);
  project.run(`mkdir consumer && mv src consumer && mv ${consumerToml} consumer/wrangler.toml && mkdir src`);
  project.write("src/index.js", 'export { Activity, default, Deduper } from "cronozen-edge/worker";\n');
  const args = ["-c", toml, "-c", "consumer/wrangler.toml"];
  const { code, checks } = await project.examine(...args);
  assert.deepEqual([code, checks.filter(({ status }) => status !== "ok")], [0, []]);
  project.edit("consumer/wrangler.toml", "max_retries = 10", "max_retries = 1");
  assert.deepEqual((await project.examine(...args)).problems, ["retries"]);
  const alone = await project.examine("-c", "consumer/wrangler.toml");
  assert.deepEqual(
    alone.checks.filter(({ status }) => status === "unknown").map((check) => check.code),
    ["gateway_here"],
  );
});

test("an environment has settings of its own", async () => {
  const project = await newProject();
  const { problems: none } = await project.examine("--env", "staging");
  assert.deepEqual(none, ["environment_defined"]);
  project.write(toml, `${project.read(toml)}\n[env.staging.vars]\nDEDUPE = "durable-object"\n`);
  assert.deepEqual((await project.examine()).problems, []);
  let { problems, checks } = await project.examine("--env", "staging");
  assert.ok(problems.includes("events_bound") && problems.includes("ledger_bound"), problems.join());
  for (let round = 0; problems.length > 0 && round < 15; round += 1) {
    const cure = checks.find(({ status }) => status === "problem")?.cure ?? "";
    assert.match(cure, /env\.staging/);
    project.follow(cure);
    ({ problems, checks } = await project.examine("--env", "staging"));
  }
  assert.deepEqual(problems, []);
});

test("the report names the files with secrets that git ignores", async () => {
  const project = await newProject();
  project.write(".dev.vars.staging", devVars());
  const required = '[env.staging.secrets]\nrequired = ["CRONOZEN_SIGNING_SECRET", "ADMIN_TOKEN"]\n';
  project.write(toml, `${project.read(toml)}\n${required}`);
  const reported = async () => {
    const { stdout } = await runCli(["doctor", "--env", "staging"], { folder: project.folder });
    return stdout.replaceAll(/\s+/g, " ");
  };
  assert.match(await reported(), /usable in \.dev\.vars\.staging; \.dev\.vars\.staging in no repository/);
  project.run("git init --quiet");
  project.write(".gitignore", ".dev.vars\n");
  assert.match(await reported(), /problem secrets_ignored \.dev\.vars\.staging not ignored by git\./);
  project.write(".gitignore", ".dev.vars.*\n");
  assert.match(await reported(), /usable in \.dev\.vars\.staging; git ignores \.dev\.vars\.staging /);
  project.run("echo '[' >> .git/config");
  assert.match(await reported(), /unknown secrets_ignored git failed/);
});

test("options of the code change what is right", async () => {
  const project = await newProject();
  project.edit("src/consumer.ts", "secrets: signingSecrets", "secrets: signingSecrets, retry: { maxAttempts: 21 }");
  assert.deepEqual((await project.examine()).problems, ["retries"]);
  project.edit("src/consumer.ts", "maxAttempts: 21", "maxAttempts: 5, retentionSeconds: 1_209_600");
  project.edit(toml, "max_retries = 10", "max_retries = 4");
  const { problems, checks } = await project.examine();
  assert.deepEqual(problems, []);
  assert.match(checks.find(({ code }) => code === "plan_retention")?.message ?? "", /retentionSeconds says 14 days/);
});

/** Ways to write the option `retry`, beside the option `secrets`, and the attempts that they show. @type {[string, number | undefined][]} */
const writtenRetries = [
  ["secrets: signingSecrets /* , retry: { maxAttempts: 30 } */", 11],
  ['secrets: (env) => env.SECRETS.split(/[,"(]/, `(`), "retry": { firstSeconds: 60, "maxAttempts": 2 * 10 }', 20],
  ["secrets: signingSecrets, retry: { maxAttempts }", undefined],
  ["secrets: signingSecrets, retry: { maxAttempts: Number(httpRetry.maxAttempts) }", undefined],
  ["secrets: signingSecrets, retry: httpRetry", undefined],
  ["secrets: signingSecrets, ...{ retry: httpRetry }", undefined],
  ["secrets: signingSecrets, retry: { ...httpRetry }", undefined],
];

test("retries are compared with the number in the call of consume, or are not known", async () => {
  const project = await newProject("--javascript");
  const consumer = project.read("src/consumer.js");
  const others =
    "export const httpRetry = { maxAttempts: 20, retentionSeconds: 60 };\nexport const maxAttempts = 20;\n";
  project.write("src/http.js", `${others}export const consume = (limiter) => limiter.consume({ retry: httpRetry });\n`);
  project.write(
    "src/index.js",
    `import { consume } from "./http.js";\nconsume(null);\n${project.read("src/index.js")}`,
  );
  for (const [options, attempts] of writtenRetries) {
    const imported = 'import { httpRetry, maxAttempts } from "./http.js";\nconsole.log(httpRetry, maxAttempts);\n';
    project.write("src/consumer.js", imported + consumer.replace("secrets: signingSecrets", () => options));
    const { checks } = await project.examine();
    const { status, message, cure } = checks.find(({ code }) => code === "retries") ?? assert.fail("not checked");
    const isShort = attempts !== undefined && attempts > 11;
    assert.equal(status, attempts === undefined ? "unknown" : isShort ? "problem" : "ok", `${options}: ${message}`);
    if (isShort) {
      assert.match(cure ?? "", new RegExp(`\nmax_retries = ${attempts - 1}$`));
    }
  }
  project.write("src/consumer.js", consumer.replace("secrets: signingSecrets", "retry: { retentionSeconds: day }"));
  const { checks, code } = await project.examine();
  assert.deepEqual(
    [code, checks.filter(({ status }) => status !== "ok").map((check) => check.code)],
    [0, ["retry_time"]],
  );
});

test("the code is known by what it does, not by its words", async () => {
  const project = await newProject();
  const line = 'export { Activity, Deduper } from "cronozen-edge/worker";';
  project.edit("src/index.ts", line, 'export * from "./again.ts";');
  project.write("src/again.ts", `${line}\n`);
  assert.deepEqual((await project.examine()).problems, []);
  project.write("src/again.ts", `// ${line}\nexport const again = 1;\n`);
  assert.deepEqual((await project.examine()).problems, ["classes_exported"]);
});

test("a variable of the code is no problem, whatever it is called", async () => {
  const project = await newProject("--javascript");
  project.edit(toml, "[vars]", '[vars]\nREPLAYS = "1"');
  project.edit(
    "src/handlers.js",
    "const { amount",
    "if (env.REPLAYS) console.log(env.REPLAYS_LEFT);\n    const { amount",
  );
  const { code, checks } = await project.examine();
  const open = checks.filter(({ status }) => status !== "ok");
  assert.deepEqual([code, open.map((check) => `${check.status} ${check.code}`)], [0, ["unknown names_known"]]);
  project.edit("src/handlers.js", "env.REPLAYS)", "env.REPLAY)");
  assert.deepEqual((await project.examine()).problems, ["names_known"]);
});

test("a folder without a project is a failure", async () => {
  for (const args of [["doctor"], ["doctor", "--json"]]) {
    const { code, stdout, stderr } = await runCli(args);
    assert.equal(code, 2);
    assert.match(
      args.length > 1 ? JSON.parse(stdout).error : stderr,
      /settings not found: run this in a project's folder/,
    );
  }
});

test("a project without wrangler is a failure", async () => {
  const project = await newProject();
  project.run("rm node_modules");
  const { code, stderr } = await runCli(["doctor"], { folder: project.folder });
  assert.equal(code, 2);
  assert.match(stderr, /wrangler is not installed in this folder: run npm install/);
});

test("an unusable URL is a failure, and is not printed", async () => {
  for (const url of [
    "webhooks.example.com",
    "ftp://example.com",
    "https://user:secret-91@",
    "https://user:secret-91@example.com",
  ]) {
    const { code, stderr } = await runCli(["doctor", url]);
    assert.equal(code, 2);
    assert.match(stderr, /URL unusable: (one that begins with http|it holds a user name)/);
    assert.doesNotMatch(stderr, /secret-91/);
  }
});
