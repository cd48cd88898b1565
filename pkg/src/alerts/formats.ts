// The formats of the sinks. Text that a sender may have chosen is never markup, a mention or a link.

import type { AlertKind, Detail, Message } from "./message.ts";

/** The body of the sink `json`. A later version may add fields. */
export interface JsonAlert {
  readonly v: 1;
  readonly kind: AlertKind;
  readonly rule: string;
  readonly incident: number;
  readonly title: string;
  readonly text: string;
  readonly at: string;
  readonly openedAt: string;
  readonly link: string | null;
  readonly details: readonly Detail[];
}

/** Slack's limits: 150 characters in a header, 3,000 in a section. */
const [slackHeader, slackSection] = [150, 3000];

/** Discord's limit. */
const discordContent = 2000;

/** Discord's flag of a message without previews of links (SUPPRESS_EMBEDS). */
const suppressEmbeds = 4;

export function jsonBody({ kind, rule, incident, title, text, at, openedAt, link, details }: Message): JsonAlert {
  return { v: 1, kind, rule, incident, title, text, at, openedAt, link, details };
}

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
export function slackBody({ title, text, details, link }: Message): object {
  // Plain text has neither markup nor mentions. `text` is the notification, and is markup.
  return {
    text: escaped(title),
    blocks: [
      { type: "header", text: plain(title, slackHeader) },
      { type: "section", text: plain(text, slackSection) },
      ...(details.length > 0 ? [{ type: "section", text: plain(linesOf(details), slackSection) }] : []),
      ...(link === null
        ? []
        : [{ type: "section", text: { type: "mrkdwn", text: `<${link}|Show the incident>`, verbatim: true } }]),
    ],
    unfurl_links: false,
    unfurl_media: false,
  };
}

function plain(text: string, most: number) {
  return { type: "plain_text", text: cut(escaped(text), most), emoji: false };
}

/** Slack decodes these three entities in all text, and no others. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** https://discord.com/developers/docs/resources/webhook#execute-webhook */
export function discordBody({ title, text, details, link }: Message): object {
  const own = `**${unmarked(title)}**\n${unmarked(text)}`;
  const end = link === null ? "" : `\n<${link}>`;
  // A block of code shows everything as it is, and ends only at backticks.
  const block = linesOf(details).replaceAll("`", "ˋ");
  const room = discordContent - own.length - end.length - "\n```\n\n```".length;
  const quoted = details.length > 0 && room > 0 ? `\n\`\`\`\n${cut(block, room)}\n\`\`\`` : "";
  return { content: cut(own + quoted + end, discordContent), allowed_mentions: { parse: [] }, flags: suppressEmbeds };
}

function unmarked(text: string): string {
  return text.replace(/[\\*_~`|<>#@[\]]/g, "\\$&");
}

/**
 * https://learn.microsoft.com/en-us/adaptive-cards/create/textfeatures
 *
 * Of the elements with text, RichTextBlock alone has no Markdown.
 */
export function teamsBody({ title, text, details, link }: Message): object {
  const content = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    body: [
      rich({ text: title, size: "large", weight: "bolder" }),
      rich({ text }),
      ...details.map(({ name, value }) => rich({ text: `${name}: ${value}`, fontType: "monospace" })),
    ],
    ...(link === null ? {} : { actions: [{ type: "Action.OpenUrl", title: "Show the incident", url: link }] }),
    msteams: { width: "Full" },
  };
  return { type: "message", attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content }] };
}

/** `{{` starts a date or a time. */
function rich({ text, ...style }: { readonly text: string; readonly [style: string]: string }): object {
  return { type: "RichTextBlock", inlines: [{ type: "TextRun", text: text.replace(/\{(?=\{)/g, "{ "), ...style }] };
}

/** The subject has no text that a sender has chosen. */
export function emailOf({ title, text, details, link }: Message): { subject: string; text: string } {
  // Mail programs make links of addresses in plain text.
  const shown = details.map(({ name, value }) => ({ name, value: defanged(value) }));
  const parts = [text, linesOf(shown), link === null ? "" : `Show the incident: ${link}`];
  return { subject: title, text: `${parts.filter((part) => part !== "").join("\n\n")}\n` };
}

function defanged(text: string): string {
  return text
    .replaceAll("://", "[:]//")
    .replace(/(?<=\S)\.(?=\S)/g, "[.]")
    .replaceAll("@", "[@]");
}

function linesOf(details: readonly Detail[]): string {
  return details.map(({ name, value }) => `${name}: ${value}`).join("\n");
}

/** Never ends within an entity of Slack's or a character of two units. */
function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/(&[a-z]*|[\ud800-\udbff])$/, "")}…`;
}
