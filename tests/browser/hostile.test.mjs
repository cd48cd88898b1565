// Text that a sender or an operator chooses is shown as text, whatever it is. Large inputs do not hang the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { secret, sign } from "../support/messages.mjs";
import { heading, logIn, patience, useConsole } from "./console.mjs";
import { acceptedLine, ago, fillDeliveries, fillIncidents, fillLetters, minute } from "./data.mjs";

/** @typedef {import("playwright-core").Page} Page */

const attacks = [
  "<img src=x onerror=globalThis.pwned=1>",
  '"><script>globalThis.pwned=1</script>',
  "javascript:globalThis.pwned=1",
  "'-(globalThis.pwned=1)-'",
  "<svg/onload=globalThis.pwned=1>",
  "</style></textarea></title><iframe srcdoc='<script>parent.pwned=1</script>'>",
  "\u202Eevil\u2066\u0000{{globalThis.pwned=1}}",
  "//evil.example/?a=1&b=%00#/../..",
  "__proto__",
];

/** The id of a dead letter and of an incident is that of its attack. */
const served = useConsole(async (console) => {
  // The gateway refuses control characters in an id, but the stores may hold what a later version lets through.
  await fillLetters(
    console,
    attacks.map((attack) => ({ eventId: attack, type: attack, reason: attack, queue: attack, data: attack })),
  );
  await fillDeliveries(
    console,
    attacks.flatMap((attack) => {
      const texts = { type: attack, reason: attack, address: attack, ray: attack, dedupe: attack };
      return [acceptedLine(attack, texts), acceptedLine(attack, { ...texts, outcome: "rejected", code: attack })];
    }),
  );
  const details = attacks.map((value) => ({ name: "event", value }));
  const chosen = attacks.map((attack) => ({ name: attack, value: attack }));
  await fillIncidents(
    console,
    attacks.map((attack, number) => ({
      ...{ rule: attack, title: attack, text: attack, details: number % 2 === 0 ? details : chosen },
      ...{ openedAt: ago(minute), sinks: [{ sink: attack, reason: attack }] },
    })),
  );
  await console.sql("DEAD_LETTERS_DB", {
    query: `INSERT INTO cronozen_audit (at, actor, action, details, result)
      SELECT ?, value, value, json_object('ids', value), json_object('redriven', value) FROM json_each(?)`,
    values: [ago(0), JSON.stringify(attacks)],
  });
  await console.sql("DB", {
    query: `INSERT INTO cronozen_events (event_id, type, created_at, received_at, handled_at, attempts, outcome)
      SELECT value, value, value, value, ?, 1, 'handled' FROM json_each(?)`,
    values: [ago(0), JSON.stringify(attacks)],
  });
});

/** Fails if anything of the attacks has become more than text. @param {Page} page @param {string} path */
async function assertHarmless(page, path) {
  const found = await page.evaluate(() => ({
    pwned: Reflect.get(globalThis, "pwned"),
    elements: document.querySelectorAll(
      "main :is(img, script, iframe, object, embed, svg[onload]), dialog :is(img, script)",
    ).length,
    links: [...document.querySelectorAll("a")]
      .map(({ href }) => href)
      .filter((href) => !/^https:\/\/dash\.cloudflare\.com\//.test(href) && !href.startsWith(`${location.origin}/`)),
    handlers: [...document.querySelectorAll("*")].flatMap(({ attributes }) =>
      [...attributes].map(({ name }) => name).filter((name) => name.startsWith("on")),
    ),
  }));
  assert.deepEqual(found, { pwned: undefined, elements: 0, links: [], handlers: [] }, path);
}

test("hostile text in a list is shown as text", patience, async () => {
  const page = await served.open("/console");
  for (const path of ["", "/deliveries", "/events", "/dead-letters?state=all", "/incidents?state=all", "/audit"]) {
    await page.goto(`${served.url}/console${path}`);
    await page.locator("main tbody tr, main section").first().waitFor();
    await page.locator(".loading").first().waitFor({ state: "detached" });
    await assertHarmless(page, path);
    if (path !== "" && path !== "/audit") {
      const text = await page.locator("main").innerText();
      for (const attack of attacks.slice(0, 6)) {
        assert.ok(text.includes(attack), `${path} does not show ${attack}`);
      }
    }
  }
});

test("hostile text in a record is shown as text, and its links lead to the record", patience, async () => {
  const page = await served.open("/console", { expected: [/ 404 /] });
  for (const [number, attack] of attacks.entries()) {
    const event = `/event?${new URLSearchParams({ id: attack })}`;
    const paths = [event, `/dead-letters/${number + 1}`, `/incidents/${number + 1}`, `/deliveries/${2 * number + 2}`];
    for (const path of paths) {
      await page.goto(`${served.url}/console${path}`);
      await page.locator("main :is(.card, .empty, .notice)").first().waitFor();
      const shows = page.getByRole("button", { name: "Show the message" });
      if ((await shows.count()) > 0) {
        await shows.click();
      }
      await assertHarmless(page, `${path} of ${attack}`);
    }
  }
  await page.goto(`${served.url}/console/dead-letters`);
  await page.getByRole("link", { name: attacks[0], exact: true }).first().click();
  await heading(page, "Event").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("id"), attacks[0]);
});

test("hostile text in an address is a filter and no more", patience, async () => {
  const page = await served.open("/console", { expected: [/ 400 /, / 404 /] });
  for (const attack of attacks) {
    for (const path of [
      "/deliveries?code",
      "/deliveries?outcome",
      "/events?type",
      "/dead-letters?reason",
      "/event?id",
      "/incidents?state",
    ]) {
      await page.goto(`${served.url}/console${path}=${encodeURIComponent(attack)}`);
      await page.locator("h1").waitFor();
      await page.locator(".loading").first().waitFor({ state: "detached" });
      await assertHarmless(page, path);
    }
  }
});

test("hostile text in a path asks for that path alone, and does not end an argument of curl", patience, async () => {
  const page = await served.open("/console", { expected: [/ 404 /] });
  for (const list of ["dead-letters", "incidents"]) {
    const found = page.waitForRequest(/\/api\/(dead-letters|incidents)\/\.\.%2Fsession'/);
    await page.goto(`${served.url}/console/${list}/..%2Fsession';calc;'(calc)`);
    await found;
    await page.getByText("There is no such thing").waitFor();
    await page.getByRole("button", { name: "Copy as curl" }).click();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(command.split("'").length, 3, command);
    assert.doesNotMatch(command, /;/);
  }
});

test("hostile text in a preview and in the operator's name is shown as text", patience, async () => {
  const page = await served.open("/console/dead-letters", { as: "" });
  await logIn(page, String(attacks[0]));
  await page.getByRole("button", { name: "Redrive all open…" }).click();
  await page.getByRole("dialog").getByRole("cell", { name: attacks[0], exact: true }).first().waitFor();
  assert.equal(await page.locator(".operator").innerText(), attacks[0]);
  await assertHarmless(page, "preview");
});

test("hostile text in a diagnosis is shown as text", patience, async () => {
  const page = await served.open("/console/diagnose");
  for (const attack of attacks) {
    await page.getByLabel("Body, as it came").fill(attack);
    await page.getByLabel("Signature", { exact: true }).fill(attack);
    await page.getByLabel("Signing secrets").fill(attack);
    await page.getByRole("button", { name: "Diagnose" }).click();
    await page.locator(".result").waitFor();
    await assertHarmless(page, attack);
  }
});

test("a body of a mebibyte is diagnosed, and a larger one is refused", patience, async () => {
  const page = await served.open("/console/diagnose");
  const body = JSON.stringify({ eventId: "evt_1", data: "é".repeat(500_000) }).padEnd(1_048_000 - 500_000);
  await page.getByLabel("Body, as it came").fill(body);
  await page.getByLabel("Signature", { exact: true }).fill(sign(body, secret));
  await page.getByLabel("Signing secrets").fill(secret);
  await page.getByRole("button", { name: "Diagnose" }).click();
  await page.getByText("The signature is right").waitFor();
  const file = { name: "body.json", mimeType: "application/json", buffer: Buffer.from(`${body}\n`) };
  await page.getByLabel("File with the body").setInputFiles(file);
  await page.getByRole("button", { name: "Diagnose" }).click();
  await page.getByText("body_trailing_newline").first().waitFor();
  await page.getByRole("button", { name: "Remove the file" }).click();
  await page.getByLabel("File with the body").setInputFiles({ ...file, buffer: Buffer.alloc(1_048_577) });
  await page.getByText("Body too large: 1,048,577 bytes").waitFor();
});

test("a pasted secret is concealed, in no field that a password manager would keep", patience, async () => {
  const page = await served.open("/console/diagnose");
  const field = page.getByLabel("Signing secrets");
  const shown = () => field.evaluate((input) => getComputedStyle(input).getPropertyValue("-webkit-text-security"));
  await field.fill(secret);
  assert.equal(await shown(), "disc");
  assert.equal(await page.locator("input[type=password]").count(), 0);
  await page.getByRole("button", { name: "Show" }).click();
  assert.equal(await shown(), "none");
  assert.equal(await field.inputValue(), secret);
});

test("the page of diagnoses cannot send what was pasted", patience, async () => {
  const page = await served.open("/console/diagnose", {
    expected: [/connect-src/, /violates the document's Content Security Policy/],
  });
  await page.getByLabel("Signing secrets").fill(secret);
  const sent = await page.evaluate(async (url) => {
    const reasons = [];
    for (const send of [
      () => fetch(url),
      () => fetch("/console/api/session"),
      () =>
        new Promise((resolve, reject) => {
          const socket = new WebSocket(url.replace("http", "ws"));
          socket.onopen = resolve;
          socket.onerror = reject;
        }),
      async () => navigator.sendBeacon(url, "x") || Promise.reject(),
    ]) {
      reasons.push(
        await send().then(
          () => "sent",
          () => "refused",
        ),
      );
    }
    return reasons;
  }, `${served.url}/console/api/session`);
  assert.deepEqual(sent.slice(0, 3), ["refused", "refused", "refused"]);
});
