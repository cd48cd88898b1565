// The consumer, the console and the alerts in one Worker. Handlers put what is private into their errors, and a test has each
// binding fail.

import { alerts, discord, email, json, slack, teams } from "cronozen-edge/alerts";
import { console as adminConsole } from "cronozen-edge/console";
import { consume, d1, deadLetters, NonRetryableError, signingSecrets } from "cronozen-edge/consumer";

const scope = /** @type {any} */ (globalThis);
const { fetch: realFetch } = scope;

/** The error of a failed connection may quote the URL. @param {unknown} input @param {unknown} init */
scope.fetch = async (input, init) => {
  if (String(input).includes("//unreachable.")) {
    throw new TypeError(`fetch failed: ${input}`);
  }
  return realFetch(input, init);
};

/** The texts of the bindings' errors. @type {Record<string, string>} */
let failing = {};

/** Which sinks there are. */
let sinks = "all";

/** The bindings with failures. The consumer looks for its tables once for each. @type {Map<string, any>} */
const wrapped = new Map();

/** @param {any} env @param {string} name */
function binding(env, name) {
  const known = wrapped.get(name);
  if (known !== undefined) {
    return known;
  }
  const made = new Proxy(env[name], {
    get(target, key) {
      const value = target[key];
      if (typeof value !== "function") {
        return value;
      }
      return (/** @type {any[]} */ ...args) => {
        const text = failing[name];
        if (text !== undefined && key !== "idFromName") {
          throw new Error(text);
        }
        return value.apply(target, args);
      };
    },
  });
  wrapped.set(name, made);
  return made;
}

/** An error whose text, stack and cause hold parts of an event. @param {any} data */
function failure({ text, stack }) {
  const error = new Error(`no account for ${text}\n${stack}`, { cause: stack });
  error.stack = `Error: no account for ${text}\n    at ${stack} (${stack}.js:1:1)`;
  return error;
}

/** @type {import("cronozen-edge/consumer").DeadLetters<any>} */
const letters = deadLetters({
  queue: (env) => binding(env, "DEAD_LETTERS"),
  events: (env) => binding(env, "EVENTS"),
  ledger: (env) => binding(env, "DB"),
  database: (env) => binding(env, "DEAD_LETTERS_DB"),
  bodies: (env) => binding(env, "BODIES"),
  activity: (env) => binding(env, "ACTIVITY"),
});

const queue = consume(
  {
    "payment.completed": () => {},
    "undocumented:test.retried": ({ data }) => {
      throw failure(data);
    },
    "undocumented:test.dead": ({ data }) => {
      throw new NonRetryableError(failure(data).message);
    },
    "undocumented:test.string": ({ data }) => {
      throw /** @type {any} */ (data).text;
    },
    "undocumented:test.object": ({ data }) => {
      throw data;
    },
    "undocumented:test.hangs": () => new Promise(() => {}),
    "undocumented:test.refused": ({ data }, /** @type {any} */ env) =>
      // D1 refuses a text in this column.
      env.DB.prepare("INSERT INTO numbers (number) VALUES (?)").bind(/** @type {any} */ (data).stack),
  },
  {
    once: d1((env) => binding(env, "DB")),
    deadLetters: letters,
    secrets: signingSecrets,
    bodies: (env) => binding(env, "BODIES"),
    retry: { firstSeconds: 0, maxSeconds: 0, maxAttempts: 2 },
    timeoutMs: 2000,
    onError(error) {
      throw error;
    },
  },
);

const scheduled = alerts({
  deadLetters: letters,
  console: "https://edge.example.com/console",
  heartbeat: (env) => env.HEARTBEAT_URL,
  sinks(env) {
    const right = slack(env.SLACK_URL);
    if (sinks === "right") {
      return [right];
    }
    if (sinks === "throw") {
      throw new Error(`no sink at ${env.SLACK_URL}`);
    }
    return [
      right,
      discord(env.FAILING_URL),
      teams(env.REDIRECTING_URL),
      json(env.UNREACHABLE_URL),
      json(env.UNUSABLE_URL, { name: "unusable" }),
      email(
        { send: async () => Promise.reject(new Error(`connection lost: ${env.SMTP_URL}`)) },
        { from: "a", to: "b" },
      ),
      { name: "own", send: async () => Promise.reject(new TypeError(`fetch failed: ${env.SLACK_URL}`)) },
    ];
  },
});

const answer = adminConsole({ deadLetters: letters });

export default {
  queue,
  scheduled,

  /** @param {Request} request @param {any} env @param {any} context */
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/test/fail") {
      return answer(request, env, context);
    }
    ({ failing = {}, sinks = "all" } = /** @type {any} */ (await request.json()));
    return new Response();
  },
};
