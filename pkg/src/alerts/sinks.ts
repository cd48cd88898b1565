// The sinks: where messages go. Their URLs are secrets, and are in no error.

import { inTime } from "../consumer/time.ts";
import { hasMethod } from "../kind.ts";
import { discordBody, emailOf, jsonBody, slackBody, teamsBody } from "./formats.ts";
import type { Message } from "./message.ts";
import { isUsable, request } from "./request.ts";

/** A place for messages. Write your own, if none of these is right: it throws if a message did not arrive. */
export interface Sink {
  /** Stays the same between deployments: what has been sent is known by it. */
  readonly name: string;
  /** The reason why it cannot be used, if it cannot. */
  readonly problem?: string | undefined;
  send(message: Message): Promise<void>;
}

export interface SinkOptions {
  /** Its name: that of the function by default. Two sinks of one kind need different names. */
  readonly name?: string | undefined;
}

export interface EmailOptions extends SinkOptions {
  /** An address of a domain that may send. */
  readonly from: string;
  readonly to: string;
  /** Comes before each subject, such as `[edge] `. */
  readonly subjectPrefix?: string | undefined;
}

/** The part of a binding `send_email` that is used. */
export interface EmailBinding {
  send(message: {
    readonly from: string;
    readonly to: string;
    readonly subject: string;
    readonly text: string;
  }): Promise<unknown>;
}

const emailTimeoutMs = 10_000;

/** Sends to an incoming webhook of Slack. */
export function slack(url: string | undefined, options?: SinkOptions): Sink {
  return webhook("slack", url, slackBody, options);
}

/** Sends to a webhook of Discord. */
export function discord(url: string | undefined, options?: SinkOptions): Sink {
  return webhook("discord", url, discordBody, options);
}

/** Sends to a webhook of Workflows in Microsoft Teams, as an Adaptive Card. */
export function teams(url: string | undefined, options?: SinkOptions): Sink {
  return webhook("teams", url, teamsBody, options);
}

/** Sends plain JSON to your own service: {@link JsonAlert}. */
export function json(url: string | undefined, options?: SinkOptions): Sink {
  return webhook("json", url, jsonBody, options);
}

/** Sends an email, through a binding `send_email`. */
export function email(
  binding: EmailBinding | undefined,
  { name = "email", from, to, subjectPrefix = "" }: EmailOptions,
): Sink {
  const problem = problemOf(hasMethod(binding, "send"), "binding missing: is send_email bound by that name?");
  return {
    name,
    problem,
    async send(message) {
      const { subject, text } = emailOf(message);
      const sent = async () => binding?.send({ from, to, subject: subjectPrefix + subject, text });
      await inTime(sent, emailTimeoutMs, `no answer within ${emailTimeoutMs} ms`);
    },
  };
}

function webhook(
  kind: string,
  url: string | undefined,
  bodyOf: (message: Message) => object,
  { name = kind }: SinkOptions = {},
): Sink {
  const problem =
    problemOf(typeof url === "string" && url !== "", "URL missing: is the secret set?") ??
    problemOf(isUsable(url), "URL unusable: it must begin with https://");
  return {
    name,
    problem,
    async send(message) {
      await request(url ?? "", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(bodyOf(message)),
      });
    },
  };
}

function problemOf(isRight: boolean, problem: string): string | undefined {
  return isRight ? undefined : problem;
}

/** Returns the sinks with names that differ: a second `slack` is `slack-2`. */
export function namedApart(sinks: readonly Sink[]): Sink[] {
  const given = new Set<string>();
  return sinks.map((sink) => {
    let name = sink.name;
    for (let number = 2; given.has(name); number += 1) {
      name = `${sink.name}-${number}`;
    }
    given.add(name);
    return { name, problem: sink.problem, send: (message) => sink.send(message) };
  });
}
