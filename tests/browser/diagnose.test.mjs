// The page of diagnoses takes what people paste, and says what is missing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { secret, sign } from "../support/messages.mjs";
import { patience, phone, useConsole } from "./console.mjs";

/** @typedef {import("playwright-core").Page} Page */

const served = useConsole();

const body = '{"eventId":"evt_1"}';

/** @param {Page} page @param {{ signature?: string, secrets?: string }} fields */
async function diagnose(page, { signature = "", secrets = "" }) {
  await page.getByLabel("Body, as it came").fill(body);
  await page.getByLabel("Signature", { exact: true }).fill(signature);
  await page.getByLabel("Signing secrets").fill(secrets);
  await page.getByRole("button", { name: "Diagnose" }).click();
}

test("a line break after a pasted signature is no mistake, a blank is one", patience, async () => {
  const page = await served.open("/console/diagnose");
  const signature = sign(body, secret);
  await diagnose(page, { signature: `\nX-Cronozen-Signature: ${signature}\r\n\n`, secrets: secret });
  await page.getByText("The signature is right").waitFor();
  await diagnose(page, { signature: `${signature} \n`, secrets: secret });
  await page.getByText("signature_surrounded").waitFor();
});

test("the verdict of a diagnosis takes the focus, and is in sight on a phone", patience, async () => {
  const page = await served.open("/console/diagnose", { size: phone });
  await diagnose(page, { signature: sign("{}", secret), secrets: secret });
  const verdict = page.getByRole("heading", { name: "The signature does not match" });
  await verdict.waitFor();
  assert.ok(await verdict.evaluate((element) => element === document.activeElement));
  const box = await verdict.boundingBox();
  const bar = await page.getByRole("banner").boundingBox();
  assert.ok(box && bar && box.y > bar.height && box.y < phone.height / 2, `${box?.y} px below the top`);
});

test("a diagnosis names the fields that are missing", patience, async () => {
  const page = await served.open("/console/diagnose");
  await page.getByRole("button", { name: "Diagnose" }).click();
  await page.getByText("Missing: the body, the signature, the signing secret.").waitFor();
  await diagnose(page, { signature: sign(body, secret) });
  await page.getByText("Missing: the signing secret.").waitFor();
  assert.equal(await page.locator(".result").count(), 0);
});

test("secrets are split as the gateway splits them: a byte order mark is a part of one", patience, async () => {
  const page = await served.open("/console/diagnose");
  const signature = sign(body, secret);
  for (const separator of [" ", "\u0085", "\u3000"]) {
    await diagnose(page, { signature, secrets: `whsec_next${separator}${secret}` });
    await page.getByText("The signature is right").waitFor();
    await diagnose(page, { signature, secrets: separator });
    await page.getByText("Missing: the signing secret.").waitFor();
  }
  await diagnose(page, { signature, secrets: `\ufeff${secret}` });
  await page.getByRole("heading", { name: "The signature does not match" }).waitFor();
});

test("an unusual secret is to be compared before it is rotated, a usual one is not", patience, async () => {
  const page = await served.open("/console/diagnose");
  const hint = page.getByText("Compare it with the registration's before you rotate it");
  const signature = sign(body, "whsec_another");
  const usual = `whsec_${"0".repeat(32)}`;
  for (const [secrets, hints] of /** @type {const} */ ([
    ["whsec_short", 1],
    [usual.replace("whsec_", "secret_"), 1],
    [usual, 0],
  ])) {
    await diagnose(page, { signature, secrets });
    await page.getByText("unexplained", { exact: true }).waitFor();
    assert.equal(await hint.count(), hints, secrets);
  }
});
