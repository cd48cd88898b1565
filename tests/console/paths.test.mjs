// The starter, which serves the console and the gateway from one Worker or from two: no spelling of a path shows data to a
// stranger.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { messageOf, secret, token } from "../support/messages.mjs";
import { builtModules, bundled } from "../support/modules.mjs";
import { newEvent, sleep } from "../worker/gateway.mjs";
import { close, converse, signatureLine } from "../worker/raw.mjs";

/** It is in each answer that shows the dead letter. */
const hidden = "evt_hidden";

const authorization = `Authorization: Bearer ${token}\r\n`;

const common = { cf: false, compatibilityDate: "2026-10-01", modulesRoot: "/" };
const gatewayBindings = {
  kvNamespaces: ["SEEN"],
  queueProducers: { EVENTS: "cronozen-events" },
  durableObjects: {
    DEDUPER: { className: "Deduper", useSQLite: true },
    ACTIVITY: { className: "Activity", useSQLite: true },
  },
};
const consumerBindings = {
  d1Databases: ["DB", "DEAD_LETTERS_DB"],
  queueProducers: { EVENTS: "cronozen-events", DEAD_LETTERS: "cronozen-events-dead" },
  queueConsumers: { "cronozen-events-dead": { maxBatchTimeout: 0.05 } },
};
const bindings = { CRONOZEN_SIGNING_SECRET: secret, ADMIN_TOKEN: token };
const unsafeDirectSockets = [{ host: "127.0.0.1", port: 0 }];
const build = join(root, "build", "worker");

/** The Workers of each layout. The first one is asked. */
const layouts = {
  async "one Worker"() {
    const [{ path, contents, ...entry } = assert.fail(), ...others] = await bundled("examples/starter/src/index.ts");
    const imported = String(contents).replaceAll('"cronozen-edge/worker"', '"./gateway/worker.js"');
    const main = /** @type {any} */ ({ ...entry, path, contents: imported });
    const modules = [main, ...others, ...builtModules(build, "/gateway")];
    return [{ ...common, ...gatewayBindings, ...consumerBindings, name: "starter", bindings, modules }];
  },
  async "two Workers"() {
    return [
      {
        ...common,
        name: "dev",
        serviceBindings: { GATEWAY: "gateway", CONSUMER: "consumer" },
        modules: await bundled("examples/starter/two-workers/src/dev.ts"),
      },
      { ...common, ...gatewayBindings, name: "gateway", bindings, modules: builtModules(build, "") },
      {
        ...common,
        ...consumerBindings,
        name: "consumer",
        bindings,
        durableObjects: { ACTIVITY: { className: "Activity", scriptName: "gateway" } },
        modules: await bundled("examples/starter/src/consumer.ts"),
      },
    ];
  },
};

const stranger = "401 unauthorized";

/** Targets with the answers for a stranger and for an operator. 404 is the page without data, or nothing at all. */
const spellings = /** @type {const} */ ([
  ["/console/api/dead-letters", stranger, "200"],
  ["/console/api/dead-letters/1", stranger, "200"],
  ["/console/api/dead-letters?state=all", stranger, "200"],
  ["/console/api/dead-letters#x", stranger, "200"],
  ["/./console/api/dead-letters", stranger, "200"],
  ["/console/./api/dead-letters", stranger, "200"],
  ["/console/../console/api/dead-letters", stranger, "200"],
  ["/console/api/%2e%2e/api/dead-letters", stranger, "200"],
  ["/console/api/login/../dead-letters", stranger, "200"],
  ["/console/assets/../api/dead-letters", stranger, "200"],
  ["/console/diagnose/../api/dead-letters", stranger, "200"],
  ["/healthz/../console/api/dead-letters", stranger, "200"],
  ["/webhooks/cronozen/../../console/api/dead-letters", stranger, "200"],
  ["\\console/api/dead-letters", "400", "400"],
  ["/console\\api\\dead-letters", stranger, "200"],
  ["http://other.example/console/api/dead-letters", stranger, "200"],
  ["/console/api/", stranger, "404 not_found"],
  ["/console/api//dead-letters", stranger, "404 not_found"],
  ["/console/api/dead-letters/", stranger, "404 not_found"],
  ["/console/api/dead-letters;x", stranger, "404 not_found"],
  ["/console/api/dead-letters%00", stranger, "404 not_found"],
  ["/console/api/dead-letters%2f1", stranger, "404 not_found"],
  ["/console/api/DEAD-LETTERS", stranger, "404 not_found"],
  ["/console/api/..%2fapi/dead-letters", stranger, "404 not_found"],
  ["/console/api/..%5capi/dead-letters", stranger, "404 not_found"],
  ["/console/api/login%2f..%2fdead-letters", stranger, "404 not_found"],
  ["/console/api/login/", stranger, "404 not_found"],
  ["/console/api/__proto__", stranger, "404 not_found"],
  ["/console/api", "404", "404"],
  ["/console/API/dead-letters", "404", "404"],
  ["/console//api/dead-letters", "404", "404"],
  ["/console/%61pi/dead-letters", "404", "404"],
  ["/console/api%2fdead-letters", "404", "404"],
  ["/console/..%2fapi/dead-letters", "404", "404"],
  ["/console/%2e%2e%2fconsole/api/dead-letters", "404", "404"],
  ["/console/assets/..%2fapi/dead-letters", "404 not_found", "404 not_found"],
  ["/console/assets//../../api/dead-letters", stranger, "200"],
  ["//console/api/dead-letters", "404 not_found", "404 not_found"],
  ["/\\console/api/dead-letters", "404 not_found", "404 not_found"],
  ["/Console/api/dead-letters", "404 not_found", "404 not_found"],
  ["/consoles/api/dead-letters", "404 not_found", "404 not_found"],
  ["/console%2fapi/dead-letters", "404 not_found", "404 not_found"],
  ["/c%6fnsole/api/dead-letters", "404 not_found", "404 not_found"],
  ["/console;x/api/dead-letters", "404 not_found", "404 not_found"],
  ["/console/../api/dead-letters", "404 not_found", "404 not_found"],
]);

for (const [layout, workersOf] of Object.entries(layouts)) {
  describe(layout, () => {
    /** @type {string[]} */
    const log = [];
    /** @type {Miniflare} */
    let miniflare;
    before(async () => {
      const workers = await workersOf();
      miniflare = new Miniflare(
        convertV4MiniflareOptions({
          log: new Log(LogLevel.NONE),
          handleStructuredLogs: ({ message }) => log.push(message),
          workers: workers.map((worker, index) => ({ ...worker, ...(index === 0 && { unsafeDirectSockets }) })),
        }),
      );
      await miniflare.ready;
      const dead = await miniflare.getQueueProducer("DEAD_LETTERS", workers.at(-1)?.name);
      await dead.send(messageOf({ eventId: hidden, type: "a.type" }), { contentType: "text" });
      for (let tries = 0; !(await ask("/console/api/dead-letters", authorization)).text.includes(hidden); tries += 1) {
        assert.ok(tries < 400, log.join("\n"));
        await sleep(25);
      }
    });
    after(() => miniflare.dispose());

    /** @param {string} target @param {string} extra @param {string} [method] @param {string} [host] */
    async function ask(target, extra, method = "GET", host = "Host: edge.example.com\r\n") {
      const head = `${method} ${target} HTTP/1.1\r\n${host}Content-Length: 0\r\n${extra}${close}\r\n`;
      const { answers, text } = await converse({ miniflare }, [head], 1);
      return { answer: answers.join(), text };
    }

    test("a spelling of a path shows data to an operator alone, and then only if the URL has that path", async () => {
      for (const [target, refused, shown] of spellings) {
        const [without, right] = [await ask(target, ""), await ask(target, authorization)];
        assert.deepEqual([without.answer, right.answer], [refused, shown], target);
        assert.deepEqual(
          [without.text.includes(hidden), right.text.includes(hidden)],
          [false, shown === "200"],
          target,
        );
      }
    });

    test("another method shows a stranger nothing, however the path is spelt", async () => {
      for (const [target, refused] of spellings) {
        for (const method of ["HEAD", "POST", "PUT", "OPTIONS", "TRACE"]) {
          const { answer, text } = await ask(target, "", method);
          // An answer to HEAD has no body, so no code.
          const expected =
            refused !== stranger ? /^40[045]( \w+)?$/ : method === "HEAD" ? /^401$/ : /^401 unauthorized$/;
          assert.match(answer, expected, `${method} ${target}`);
          assert.ok(!text.includes(hidden), `${method} ${target}`);
        }
      }
    });

    test("a signed delivery is accepted", async () => {
      const { body } = newEvent();
      const signature = signatureLine(sign(body, secret));
      const head = `POST ${webhookPath} HTTP/1.1\r\nHost: edge.example.com\r\nContent-Length: ${body.length}\r\n`;
      const { answers } = await converse({ miniflare }, [`${head}${signature}${close}\r\n${body}`], 1);
      assert.deepEqual(answers, ["202 accepted"]);
    });

    test("a credential that comes twice is none", async () => {
      for (const extra of [
        authorization + authorization,
        `Authorization: Bearer ${token}x\r\n${authorization}`,
        `${authorization}Authorization: Bearer ${token}x\r\n`,
        `X_Authorization: Bearer ${token}\r\n`,
        `Proxy-Authorization: Bearer ${token}\r\n`,
      ]) {
        const { answer, text } = await ask("/console/api/dead-letters", extra);
        assert.deepEqual([answer, text.includes(hidden)], [stranger, false], extra);
      }
    });

    test("a malformed Host is a 404, and one with a path opens nothing", async () => {
      const before = log.length;
      for (const target of ["/console/api/dead-letters", "/console", "/webhooks/cronozen"]) {
        for (const host of ["x y", "a\r\nHost: b", "[", "x:99999", "%"]) {
          const { answer } = await ask(target, authorization, "GET", `Host: ${host}\r\n`);
          // With two Workers, the one between them answers.
          assert.equal(answer, layout === "one Worker" ? "404 not_found" : "404", `${target} ${host}`);
        }
      }
      for (const host of [
        "a/console/api/dead-letters?",
        "a/console/api/dead-letters#",
        "a\\console\\api\\dead-letters?",
      ]) {
        const { answer, text } = await ask("/", "", "GET", `Host: ${host}\r\n`);
        assert.deepEqual([answer, text.includes(hidden)], [stranger, false], host);
      }
      assert.ok(!log.slice(before).join("\n").includes("Uncaught"), log.slice(before).join("\n"));
    });
  });
}
