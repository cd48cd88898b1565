// A gradual deployment, its end and its rollback: the last release and this build share the Durable Objects, KV, R2, the
// queue and D1.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../support/messages.mjs";
import { until } from "../support/waiting.mjs";
import { newEvent } from "../worker/gateway.mjs";
import { Versions } from "./versions.mjs";

/** @typedef {import("./versions.mjs").Version} Version */
/** @typedef {ReturnType<typeof newEvent>} Event */

const both = /** @type {const} */ (["old", "new"]);

const patienceMs = 30_000;

/** Waits for a result. @template T @param {() => Promise<T | undefined | false>} look @param {string} wanted */
async function waitFor(look, wanted) {
  return (await until(look, patienceMs)) ?? assert.fail(`not within 30 s: ${wanted}`);
}

/** Too large for a message. */
const largeText = "x".repeat(300_000);

/** Each starts with empty stores. The versions are those whose code runs the Durable Objects. */
const histories = [
  { history: "an upgrade and its rollback", hosts: /** @type {Version[]} */ (["old", "new", "old"]) },
  { history: "stores that the new version has made", hosts: /** @type {Version[]} */ (["new"]) },
];

for (const { history, hosts } of histories) {
  describe(history, () => {
    const versions = new Versions();
    after(() => versions.remove());

    /** An event of each mode that an earlier deployment has accepted. @type {{ mode: "strict" | "kv", event: Event }[]} */
    const earlier = [];
    /** The event whose dead letter an earlier deployment has left. @type {(Event & { id: number }) | undefined} */
    let left;

    for (const [position, host] of hosts.entries()) {
      describe(`${position + 1}: objects of the ${host} version`, () => {
        /** @type {import("./versions.mjs").Deployment} */
        let deployment;
        /** The deliveries that earlier deployments have counted. */
        let counts = { duplicate: 0, accepted: 0 };
        before(async () => {
          deployment = await versions.deploy(host);
          // The consumer of the host's version makes the tables.
          await deployment.api(host, "dead-letters");
          await deployment.api(host, "events");
          await deployment.sql("CREATE TABLE IF NOT EXISTS effects (event_id TEXT NOT NULL, version TEXT NOT NULL)");
          // The object may lose what it has taken in the last second before its end.
          counts = await counted();
          assert.equal(counts.accepted > 0, position > 0, "the counts outlive a deployment");
        });
        after(() => deployment.stop());

        /** The deliveries that the object Activity has counted. */
        async function counted() {
          const total = { duplicate: 0, accepted: 0 };
          const { periods } = await deployment.api(host, "activity");
          for (const { codes } of periods) {
            total.duplicate += codes.duplicate ?? 0;
            total.accepted += codes.accepted ?? 0;
          }
          return total;
        }

        /** Waits until events have their effect, once. @param {Event[]} events */
        async function assertEffects(events) {
          const ids = events.map(({ eventId }) => eventId).sort();
          await waitFor(async () => (await deployment.effects(ids)).length >= ids.length, "an effect of each event");
          assert.deepEqual(await deployment.effects(ids), ids);
        }

        /** An event whose dead letter is stored, since a version cannot handle it. @param {Version} version */
        async function deadLetterFor(version) {
          const event = newEvent({ failsIn: version });
          await deployment.consume(version, [messageOf(JSON.parse(event.body))]);
          const id = await waitFor(async () => (await lettersOf(event.eventId))[0]?.id, "a dead letter");
          return { ...event, id };
        }

        /** @param {string} eventId @returns {Promise<any[]>} */
        async function lettersOf(eventId) {
          const { deadLetters } = await deployment.api(host, "dead-letters?state=all&limit=100");
          return deadLetters.filter((/** @type {any} */ letter) => letter.eventId === eventId);
        }

        test("in strict mode, deliveries of an event to both versions at once are one message", async () => {
          const events = Array.from({ length: 60 }, () => newEvent());
          /** @type {{ version: Version, status: number }[][]} */
          const answers = [];
          for (const [position, { body }] of events.entries()) {
            const order = position % 2 === 0 ? both : both.toReversed();
            const deliver = async (/** @type {Version} */ version) => ({
              version,
              status: await deployment.deliver(version, body),
            });
            answers.push(await Promise.all([...order, ...order].map(deliver)));
          }
          for (const answer of answers) {
            assert.deepEqual(answer.map(({ status }) => status).sort(), [200, 200, 200, 202]);
          }
          const accepting = answers.flat().filter(({ status }) => status === 202);
          assert.equal(new Set(accepting.map(({ version }) => version)).size, 2, "each version accepts some");
          await assertEffects(events);
          for (const { eventId } of events) {
            assert.equal((await deployment.messagesOf(eventId)).length, 1, eventId);
          }
        });

        if (position > 0) {
          test("an event that an earlier deployment has accepted is a duplicate for both", async () => {
            assert.equal(earlier.length, 4 * position);
            for (const { mode, event } of earlier) {
              for (const version of both) {
                assert.equal(await deployment.deliver(version, event.body, mode), 200, `${mode}, ${version}`);
              }
            }
          });
        }

        test("an event that one version has accepted is a duplicate for the other, in both modes", async () => {
          for (const mode of /** @type {const} */ (["strict", "kv"])) {
            for (const version of both) {
              const event = newEvent();
              const other = version === "old" ? "new" : "old";
              assert.equal(await deployment.deliver(version, event.body, mode), 202);
              assert.equal(await deployment.deliver(other, event.body, mode), 200, `${mode}, ${other}`);
              await assertEffects([event]);
              earlier.push({ mode, event });
            }
          }
        });

        test("a body that either version has put into R2 is read", async () => {
          const events = both.map(() => newEvent({ text: largeText }));
          for (const [position, version] of both.entries()) {
            const { eventId, body } = events[position] ?? assert.fail();
            assert.equal(await deployment.deliver(version, body), 202);
            const [message = ""] = await waitFor(async () => {
              const messages = await deployment.messagesOf(eventId);
              return messages.length > 0 && messages;
            }, "the message");
            assert.equal(typeof JSON.parse(message).bodyKey, "string");
            // The other consumer reads it, too, and finds that it is handled.
            const { explicitAcks } = await deployment.consume(host, [message]);
            assert.equal(explicitAcks.length, 1);
          }
          await assertEffects(events);
        });

        test("messages that both consumers get at once have one effect each", async () => {
          const events = Array.from({ length: 100 }, () => newEvent());
          const messages = events.map(({ body }) => messageOf(JSON.parse(body)));
          const results = [];
          for (let start = 0; start < messages.length; start += 10) {
            const batch = messages.slice(start, start + 10);
            const order = start % 20 === 0 ? both : both.toReversed();
            results.push(...(await Promise.all(order.map((version) => deployment.consume(version, batch)))));
          }
          assert.equal(results.flatMap(({ explicitAcks }) => explicitAcks).length, 200, "none is retried");
          await assertEffects(events);
          const ids = events.map(({ eventId }) => `'${eventId}'`).join();
          const handling = await deployment.sql(`SELECT DISTINCT version FROM effects WHERE event_id IN (${ids})`);
          assert.equal(handling.length, 2, "each version handles some");
        });

        test("a dead letter is stored by one version, shown by both, and redriven by the other's admin API", async () => {
          // The queue's consumer stores the letter, and handles the event when it comes again.
          const { id, eventId, ...event } = await deadLetterFor(host);
          const shown = await Promise.all(both.map((version) => deployment.api(version, `dead-letters/${id}`)));
          assert.match(shown[0].reason, new RegExp(`fails in the ${host} version`));
          assert.partialDeepStrictEqual(shown[1], shown[0]);
          await deployment.api(host, "dead-letters/redrive", { ids: [id] });
          await assertEffects([{ eventId, ...event }]);
          const [letter] = await lettersOf(eventId);
          assert.equal(letter.state, "handled");
        });

        if (position > 0) {
          test("a dead letter that an earlier deployment has left is redriven", async () => {
            const { id, ...event } = left ?? assert.fail("none was left");
            const { failed } = await deployment.api(deployment.guest, "dead-letters/redrive", { ids: [id] });
            assert.deepEqual(failed, []);
            await assertEffects([event]);
          });
        }

        if (position < hosts.length - 1) {
          test("a dead letter is left to the next deployment", async () => {
            // Its queue has the consumer of the other version.
            left = await deadLetterFor(deployment.guest);
          });
        }

        test("a message of a version to come becomes a dead letter that keeps its text", async () => {
          const event = newEvent();
          const message = messageOf(JSON.parse(event.body), { v: 2, added: "by a later gateway" });
          await deployment.send(message);
          const letter = await waitFor(async () => (await lettersOf(event.eventId))[0], "a dead letter");
          assert.match(letter.reason, /^unknown_version/);
          assert.equal((await deployment.api(host, `dead-letters/${letter.id}`)).text, message);
          assert.deepEqual(await deployment.effects([event.eventId]), []);
        });

        test("the object Activity counts for both gateways, and answers both admin APIs alike", async () => {
          const { answers } = deployment;
          assert.deepEqual(Object.keys(answers), ["200", "202"], "no delivery has failed");
          const wanted = { duplicate: counts.duplicate + answers[200], accepted: counts.accepted + answers[202] };
          await waitFor(async () => isDeepStrictEqual(await counted(), wanted), `counts of ${JSON.stringify(wanted)}`);
          const { activity } = await deployment.api(host, "status");
          const gateways = activity.gateways.map((/** @type {any} */ { deployment }) => deployment);
          assert.deepEqual(gateways.sort(), ["kv-new", "kv-old", "strict-new", "strict-old"]);
          const { event } = earlier.at(-1) ?? assert.fail();
          for (const path of ["activity", "deliveries?limit=50", "losses", `event?id=${event.eventId}`, "status"]) {
            const [older, newer] = await Promise.all(both.map((version) => deployment.api(version, path)));
            // Each answer of losses says until when it has looked.
            delete older.checkedTo;
            assert.partialDeepStrictEqual(newer, older, path);
          }
        });
      });
    }
  });
}
