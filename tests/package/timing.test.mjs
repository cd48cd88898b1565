// The time of a verification says nothing of the signature: not where it is wrong, nor which secret matches. As in dudect
// (https://eprint.iacr.org/2016/1123), two inputs come in a random order, Welch's t-test compares their times, and naive
// verifiers must be caught by the same test. tests/timing does the same in Rust, where one call can be timed.
//
// It claims nothing of the header's form, of a body's length or of the number of secrets: a sender knows these, and a
// malformed header is refused before anything is compared. Node alone is measured: in workerd, the clock stands still
// while a Worker computes. For Web Crypto, only the choice of the secret is measured, because its noise hides the
// comparison. In the build without WebAssembly, a difference of 10 ns shows only with `native`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "./builds.mjs";

/** @typedef {(signature: string) => unknown} Verify may return a promise */
/** @typedef {{ inputs: [string, string], otherVerdict?: true }} Pair `otherVerdict` if only one of the inputs is right */
/** @typedef {{ name: string, naive: boolean, verify: Verify, samples: number } & Pair} Subject */

/** dudect's threshold for "definitely not constant in time". */
const leak = 10;

/**
 * Where the verdicts differ, a smaller difference in nanoseconds is no leak: it costs some to branch by the verdict, which
 * the answer shows anyway.
 */
const visible = 10;

/** The median of the batches' t counts, so that a burst of other work does not. */
const batches = 15;

/** The samples of a batch, for each build: with one secret, with eight, and with eight by `native`. The slower a call, the fewer. */
const samplesOf = {
  "index.js": { ofOneSecret: 6000, ofEight: 2000, ofEightNative: 2000 },
  "no-wasm.js": { ofOneSecret: 3000, ofEight: 300, ofEightNative: 1000 },
};
const ofWebCrypto = 300;

/** A leak is there in each round; the noise of a busy machine is not. */
const rounds = 3;

/** The parts of the samples that are kept, the fastest first: what interrupts a sample makes it slow, not the input. */
const kept = [0.5, 0.75, 0.9];

const body = new TextEncoder().encode('{"eventId":"evt_1","type":"payment.completed","data":{"amount":"49.00"}}');
const secrets = Array.from({ length: 8 }, (_, number) => `whsec_${number}`);
const [first = "", last = ""] = [secrets.at(0), secrets.at(-1)];

for (const file of /** @type {(keyof typeof samplesOf)[]} */ (Object.keys(samplesOf))) {
  test(`no time of a verification by ${file} depends on the signature`, { timeout: 120_000 }, async (context) => {
    let subjects = subjectsOf(await build(file), file);
    for (let round = 1; subjects.length > 0; round += 1) {
      assert.ok(round <= rounds, `not as expected in each round: ${subjects.map(({ name }) => name).join(", ")}`);
      const wrong = [];
      for (const subject of subjects) {
        const { t, difference } = await compare(subject);
        context.diagnostic(`t ${t.toFixed(1)}, ${difference.toFixed(1)} ns: ${subject.name}`);
        const least = subject.otherVerdict ? visible : 0;
        const leaks = Math.abs(t) >= leak && Math.abs(difference) >= least;
        if (leaks !== subject.naive) {
          wrong.push(subject);
        }
      }
      subjects = wrong;
    }
  });
}

/** @param {typeof import("cronozen-edge")} build @param {keyof typeof samplesOf} file @returns {Subject[]} */
function subjectsOf({ Verifier, sign }, file) {
  const { ofOneSecret, ofEight, ofEightNative } = samplesOf[file];
  const right = sign(body, first);
  const ofLast = sign(body, last);
  const wrongAt = (/** @type {number} */ position) => {
    const bytes = Buffer.from(right, "hex");
    bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
    return bytes.toString("hex");
  };
  /** @type {Record<string, Pair>} */
  const wrongBytes = {
    "a wrong first byte against a wrong last one": { inputs: [wrongAt(0), wrongAt(31)] },
    "a wrong last byte against the right signature": { inputs: [wrongAt(31), right], otherVerdict: true },
  };
  /** @type {Record<string, Pair>} */
  const matching = {
    "secret 1 of 8 against secret 8": { inputs: [right, ofLast] },
    "secret 8 of 8 against none": { inputs: [ofLast, sign(body, "whsec_other")], otherVerdict: true },
  };
  /** @param {"wasm" | "native" | "subtle"} backend @param {string | string[]} list @returns {Verify} */
  const verifierOf = (backend, list) => {
    const verifier = new Verifier(list, { backend });
    return backend === "subtle"
      ? (signature) => verifier.matchesAsync(body, signature)
      : (signature) => verifier.matches(body, signature);
  };
  const subjects = (
    /** @type {string} */ name,
    /** @type {Verify} */ verify,
    /** @type {typeof matching} */ pairs,
    /** @type {number} */ samples,
  ) =>
    Object.entries(pairs).map(([pair, inputs]) => ({
      name: `${name}: ${pair}`,
      naive: false,
      verify,
      samples,
      ...inputs,
    }));
  const one = verifierOf("wasm", first);
  const each = secrets.map((secret) => verifierOf("wasm", secret));
  const eachLater = secrets.map((secret) => verifierOf("subtle", secret));
  /** @type {Subject} */
  const naiveLater = {
    name: "naive and asynchronous, stops at the secret that matches",
    naive: true,
    verify: async (signature) => {
      for (const verify of eachLater) {
        if (await verify(signature)) {
          return;
        }
      }
    },
    samples: ofWebCrypto,
    inputs: [right, ofLast],
  };
  return [
    ...subjects("wasm", one, wrongBytes, ofOneSecret),
    ...subjects("wasm", verifierOf("wasm", secrets), matching, ofEight),
    ...subjects("native", verifierOf("native", first), wrongBytes, ofOneSecret),
    ...subjects("native", verifierOf("native", secrets), matching, ofEightNative),
    {
      name: "naive, stops at the first wrong character",
      naive: true,
      verify: (signature) => one(signature) || isSame(right, signature),
      samples: ofOneSecret,
      inputs: [wrongAt(0), wrongAt(31)],
    },
    {
      name: "naive, stops at the secret that matches",
      naive: true,
      verify: (signature) => each.some((verify) => verify(signature)),
      samples: ofEight,
      inputs: [right, ofLast],
    },
    // The other build has the same code for it.
    ...(file === "index.js"
      ? [...subjects("subtle", verifierOf("subtle", secrets), matching, ofWebCrypto), naiveLater]
      : []),
  ];
}

/** A comparison as it should not be. @param {string} one @param {string} other */
function isSame(one, other) {
  for (let at = 0; at < 64; at += 1) {
    if (one.charCodeAt(at) !== other.charCodeAt(at)) {
      return false;
    }
  }
  return true;
}

/**
 * Returns the median of the batches' t with its sign, of the crop in which it is farthest from 0, and the difference
 * in nanoseconds. Noise has no sign.
 *
 * @param {Pick<Subject, "verify" | "samples" | "inputs">} subject
 */
async function compare(subject) {
  // Compiled before it is measured.
  await timesOf(subject);
  /** @type {[number[], number[]][]} */
  const measured = [];
  for (let batch = 0; batch < batches; batch += 1) {
    measured.push(await timesOf(subject));
  }
  const crops = kept.map((part) => {
    const values = measured.map((times) => welch(times, part));
    return {
      t: median(values.map(({ t }) => t)),
      difference: median(values.map(({ difference }) => difference)),
    };
  });
  return crops.reduce((most, crop) => (Math.abs(crop.t) > Math.abs(most.t) ? crop : most));
}

/**
 * The times of both inputs, in a random order.
 *
 * @param {Pick<Subject, "verify" | "samples" | "inputs">} subject
 * @returns {Promise<[number[], number[]]>} in nanoseconds
 */
async function timesOf({ verify, samples, inputs }) {
  /** @type {[number[], number[]]} */
  const times = [[], []];
  for (let sample = 0; sample < samples; sample += 1) {
    const which = Math.random() < 0.5 ? 0 : 1;
    const input = inputs[which];
    const before = verify(input);
    const isLater = before instanceof Promise;
    if (isLater) {
      await before;
    }
    const started = process.hrtime.bigint();
    const result = verify(input);
    if (isLater) {
      await result;
    }
    times[which].push(Number(process.hrtime.bigint() - started));
  }
  return times;
}

/** @param {[number[], number[]]} times @param {number} part */
function welch(times, part) {
  const sorted = times.flat().sort((one, other) => one - other);
  const most = sorted[Math.floor(sorted.length * part)] ?? 0;
  const [one, other] = /** @type {[ReturnType<typeof summary>, ReturnType<typeof summary>]} */ (
    times.map((list) => summary(list.filter((time) => time <= most)))
  );
  const difference = other.mean - one.mean;
  const error = Math.sqrt(one.variance / one.count + other.variance / other.count);
  // An input whose samples are all cut off is the slower one by far.
  return { t: error > 0 ? difference / error : Math.sign(one.count - other.count) * 1000, difference };
}

/** @param {number[]} times */
function summary(times) {
  const count = Math.max(times.length, 1);
  const mean = times.reduce((sum, time) => sum + time, 0) / count;
  const squares = times.reduce((sum, time) => sum + (time - mean) ** 2, 0);
  return { count, mean, variance: squares / Math.max(count - 1, 1) };
}

/** @param {number[]} values */
function median(values) {
  return values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
