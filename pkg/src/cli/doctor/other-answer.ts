// The recognition of answers that are not the gateway's refusal of a delivery without a signature.

import { timeoutMs } from "../delivery.ts";
import { problem, type Verdict } from "./check.ts";
import type { Answer } from "./deployment.ts";

/** A recognised answer: the failure and the cure. */
interface OtherAnswer {
  readonly is: (answer: Answer, url: URL) => boolean;
  readonly failure: (answer: Answer, url: URL) => string;
  readonly cure: (answer: Answer, url: URL) => string;
}

const skipRule =
  "In the zone's security settings, let a custom rule skip all checks for this host and path, and switch Bot Fight Mode off.";

/** The known ones. The first that is recognised counts. */
const otherAnswers: readonly OtherAnswer[] = [
  {
    is: (answer, url) => targetOf(answer, url)?.hostname.endsWith(".cloudflareaccess.com") === true,
    failure: () => "webhook behind Cloudflare Access: Cronozen gets a login page, and every event is lost",
    cure: () => 'Limit the Access application to the path "console", or give the console a host of its own.',
  },
  {
    is: (answer, url) => {
      const target = targetOf(answer, url);
      return target?.protocol === "https:" && url.protocol === "http:" && target.hostname === url.hostname;
    },
    failure: () => "URL redirected to https: Cronozen does not follow it",
    cure: (_, url) => `Register https://${url.host}${url.pathname}`,
  },
  {
    is: (answer, url) => {
      const target = targetOf(answer, url);
      return target?.host === url.host && target.pathname.replace(/\/$/, "") === url.pathname.replace(/\/$/, "");
    },
    failure: () => "URL redirected: the address has a slash at its end, or lacks one",
    cure: (answer, url) => `Register ${url.origin}${targetOf(answer, url)?.pathname}`,
  },
  {
    is: ({ status }) => status >= 300 && status < 400,
    failure: (answer, url) =>
      `URL redirected to ${targetOf(answer, url)?.host ?? "nowhere"}: Cronozen does not follow it`,
    cure: () => "Register the URL of the gateway itself, or remove the redirect. A login page loses every event.",
  },
  {
    is: ({ headers }) => headers.has("cf-mitigated"),
    failure: () => "webhook behind a firewall: it challenges the request",
    cure: () => skipRule,
  },
  {
    is: ({ status, json }) => status === 404 && json.code === "not_found",
    failure: (_, url) => `path not the webhook's: the gateway does not know ${url.pathname}`,
    cure: () => "Give the URL with the path of WEBHOOK_PATH, /webhooks/cronozen by default. A slash at its end counts.",
  },
  {
    is: ({ status, json }) => status === 500 && json.code === "misconfigured",
    failure: () => "gateway misconfigured: it refuses every event",
    cure: (_, url) => `See what is wrong: curl ${url.origin}/healthz`,
  },
  {
    is: ({ status, json }) => status === 503 && json.code === "unavailable",
    failure: () => "gateway unavailable: it failed, or is overloaded",
    cure: () => "Look at its log: npx wrangler tail",
  },
  {
    is: ({ status, headers, text }) => (status < 300 || status === 401) && isHtml(headers, text),
    failure: ({ status }) => `gateway not found: an HTML page answers ${status}, such as a login or another site`,
    cure: () => "Remove the page from the webhook's path, such as a login for the whole host.",
  },
  {
    is: ({ status }) => status >= 200 && status < 300,
    failure: ({ status }) => `gateway not found: something else answers ${status} to an event without a signature`,
    cure: () => "Register the gateway's URL. If it is this one, look for another Worker or a page at this path.",
  },
  {
    is: ({ status }) => status === 403 || status === 429,
    failure: ({ status }) => `webhook behind a firewall: it answers ${status}`,
    cure: () => skipRule,
  },
  {
    is: ({ status }) => status === 404,
    failure: (_, url) => `gateway not found: something else answers 404 at ${url.host}`,
    cure: () => "Look at the URL. Then deploy the gateway: npx wrangler deploy",
  },
  {
    is: ({ status }) => status >= 500,
    failure: ({ status }) => `gateway not reached: something before it answers ${status}`,
    cure: () => "Look at the Worker's log, npx wrangler tail, and at the host's routes and DNS records.",
  },
];

/** The reasons why there is no answer. */
const unanswered: readonly [RegExp, failure: string, cure: string][] = [
  [/^timeout$/, `no answer within ${timeoutMs} ms: Cronozen waits no longer`, "Look at the host."],
  [/^host_not_found$/, "host not found: DNS has no such name", "Look at the name, and at the zone's DNS records."],
  [/^connection_refused$/, "connection refused: nothing listens there", "Start the gateway, or correct the port."],
  [
    /CERT|^DEPTH_ZERO|UNABLE_TO|SELF_SIGNED/,
    "certificate invalid: Cronozen does not connect",
    "Wait until the host has its certificate, or correct it.",
  ],
  [
    /^(EPROTO|ERR_SSL.*)$/,
    "TLS failed: the host does not speak https there",
    "Look at the port, and at the host's TLS settings.",
  ],
];

/** Returns the verdict about an answer that is not the gateway's refusal. */
export function verdictOnOther(answer: Answer | string, url: URL): Verdict {
  if (typeof answer === "string") {
    const [, failure, cure] = unanswered.find(([code]) => code.test(answer)) ?? [];
    return problem(failure ?? `no answer: ${answer.replaceAll("_", " ")}`, cure ?? "Look at the host, and try again.");
  }
  const known = otherAnswers.find(({ is }) => is(answer, url));
  return known === undefined
    ? problem(
        `answer unexpected: ${answer.status} ${typeOf(answer)}, but the gateway answers 401 invalid_signature`,
        "Register the gateway's URL. If it is this one, look for another Worker at this path.",
      )
    : problem(known.failure(answer, url), known.cure(answer, url));
}

/** Returns where a redirect leads to. */
function targetOf({ status, headers }: Answer, url: URL): URL | undefined {
  const location = headers.get("location");
  return status >= 300 && status < 400 && location !== null && URL.canParse(location, url.href)
    ? new URL(location, url)
    : undefined;
}

function isHtml(headers: Headers, text: string): boolean {
  return (headers.get("content-type") ?? "").startsWith("text/html") || /^\s*<(!doctype|html)/i.test(text);
}

function typeOf({ headers, json }: Answer): string {
  const { code } = json;
  return typeof code === "string" && /^\w{1,40}$/.test(code) ? code : (headers.get("content-type") ?? "without a type");
}
