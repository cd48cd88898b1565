// The body of each sink for a message with text that a hostile sender has chosen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { discordBody, emailOf, jsonBody, slackBody, teamsBody } from "../../pkg/src/alerts/formats.ts";
import { detailOf } from "../../pkg/src/alerts/message.ts";

/** @param {Partial<import("cronozen-edge/alerts").Message>} [fields] @returns {import("cronozen-edge/alerts").Message} */
function message(fields) {
  return {
    kind: "opened",
    rule: "dead_letter",
    incident: 7,
    title: "Events could not be handled: dead letters are open",
    text: "2 dead letters are open. Look at the reason, cure its cause, then redrive them.",
    details: [
      detailOf("event", "<!channel> @everyone <@U123> <at>Ada</at> @here <@&1>"),
      detailOf("type", "*b* _i_ `c` ```\n# h\r\n[l](https://evil.example) {{DATE(2026-11-24T06:55:00Z)}}"),
      detailOf("reason", "a\u2028b\u202ec\u200bd\u0000e &lt; www.evil.example"),
    ],
    at: "2026-11-24T06:55:00.000Z",
    openedAt: "2026-11-24T06:55:00.000Z",
    link: "https://edge.example.com/console/incidents/7",
    ...fields,
  };
}

test("a detail is one line, without invisible characters, and cut", () => {
  assert.deepEqual(message().details, [
    { name: "event", value: "<!channel> @everyone <@U123> <at>Ada</at> @here <@&1>" },
    { name: "type", value: "*b* _i_ `c` ``` # h [l](https://evil.example) {{DATE(2026-11-24T06:55:00Z)}}" },
    { name: "reason", value: "a b c d e &lt; www.evil.example" },
  ]);
  assert.equal(detailOf("type", null).value, "null");
  const long = detailOf("type", "😀".repeat(500)).value;
  assert.deepEqual([[...long].length, long.at(-1)], [120, "…"]);
  assert.equal(detailOf("type", `e${"\u0301".repeat(50)}x`).value, "e\u0301\u0301x");
  assert.equal(detailOf("type", " ".repeat(9)).value, "");
  assert.equal(detailOf("type", "a\u00a0\u3000 \tb").value, "a b");
});

test("slack gets plain text with entities, and one link of ours", () => {
  assert.deepEqual(slackBody(message()), {
    text: "Events could not be handled: dead letters are open",
    blocks: [
      {
        type: "header",
        text: { type: "plain_text", text: "Events could not be handled: dead letters are open", emoji: false },
      },
      {
        type: "section",
        text: {
          type: "plain_text",
          text: "2 dead letters are open. Look at the reason, cure its cause, then redrive them.",
          emoji: false,
        },
      },
      {
        type: "section",
        text: {
          type: "plain_text",
          text: [
            "event: &lt;!channel&gt; @everyone &lt;@U123&gt; &lt;at&gt;Ada&lt;/at&gt; @here &lt;@&amp;1&gt;",
            "type: *b* _i_ `c` ``` # h [l](https://evil.example) {{DATE(2026-11-24T06:55:00Z)}}",
            "reason: a b c d e &amp;lt; www.evil.example",
          ].join("\n"),
          emoji: false,
        },
      },
      {
        type: "section",
        text: {
          type: "mrkdwn",
          text: "<https://edge.example.com/console/incidents/7|Show the incident>",
          verbatim: true,
        },
      },
    ],
    unfurl_links: false,
    unfurl_media: false,
  });
});

test("discord gets a block of code that nothing ends, and mentions nobody", () => {
  assert.deepEqual(discordBody(message()), {
    content: [
      "**Events could not be handled: dead letters are open**",
      "2 dead letters are open. Look at the reason, cure its cause, then redrive them.",
      "```",
      "event: <!channel> @everyone <@U123> <at>Ada</at> @here <@&1>",
      "type: *b* _i_ ˋcˋ ˋˋˋ # h [l](https://evil.example) {{DATE(2026-11-24T06:55:00Z)}}",
      "reason: a b c d e &lt; www.evil.example",
      "```",
      "<https://edge.example.com/console/incidents/7>",
    ].join("\n"),
    allowed_mentions: { parse: [] },
    flags: 4,
  });
});

test("teams gets a card of elements without Markdown", () => {
  const run = (/** @type {string} */ text, style = {}) => ({
    type: "RichTextBlock",
    inlines: [{ type: "TextRun", text, ...style }],
  });
  assert.deepEqual(teamsBody(message()), {
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          body: [
            run("Events could not be handled: dead letters are open", { size: "large", weight: "bolder" }),
            run("2 dead letters are open. Look at the reason, cure its cause, then redrive them."),
            run("event: <!channel> @everyone <@U123> <at>Ada</at> @here <@&1>", { fontType: "monospace" }),
            run("type: *b* _i_ `c` ``` # h [l](https://evil.example) { {DATE(2026-11-24T06:55:00Z)}}", {
              fontType: "monospace",
            }),
            run("reason: a b c d e &lt; www.evil.example", { fontType: "monospace" }),
          ],
          actions: [
            {
              type: "Action.OpenUrl",
              title: "Show the incident",
              url: "https://edge.example.com/console/incidents/7",
            },
          ],
          msteams: { width: "Full" },
        },
      },
    ],
  });
});

test("teams gets no two braces in a row, however many there are", () => {
  /** @type {any} */
  const card = teamsBody(message({ details: [detailOf("type", "{{{DATE(2026-11-24T06:55:00Z)}}} {{{{TIME()}}}}")] }));
  const [, , detail] = card.attachments[0].content.body;
  assert.equal(detail.inlines[0].text, "type: { { {DATE(2026-11-24T06:55:00Z)}}} { { { {TIME()}}}}");
});

test("json gets every field", () => {
  assert.deepEqual(jsonBody(message()), {
    v: 1,
    kind: "opened",
    rule: "dead_letter",
    incident: 7,
    title: "Events could not be handled: dead letters are open",
    text: "2 dead letters are open. Look at the reason, cure its cause, then redrive them.",
    at: "2026-11-24T06:55:00.000Z",
    openedAt: "2026-11-24T06:55:00.000Z",
    link: "https://edge.example.com/console/incidents/7",
    details: [
      { name: "event", value: "<!channel> @everyone <@U123> <at>Ada</at> @here <@&1>" },
      { name: "type", value: "*b* _i_ `c` ``` # h [l](https://evil.example) {{DATE(2026-11-24T06:55:00Z)}}" },
      { name: "reason", value: "a b c d e &lt; www.evil.example" },
    ],
  });
});

test("an email has no address that a mail program makes a link of, but ours", () => {
  assert.deepEqual(emailOf(message()), {
    subject: "Events could not be handled: dead letters are open",
    text: `2 dead letters are open. Look at the reason, cure its cause, then redrive them.

event: <!channel> [@]everyone <[@]U123> <at>Ada</at> [@]here <[@]&1>
type: *b* _i_ \`c\` \`\`\` # h [l](https[:]//evil[.]example) {{DATE(2026-11-24T06:55:00Z)}}
reason: a b c d e &lt; www[.]evil[.]example

Show the incident: https://edge.example.com/console/incidents/7
`,
  });
});

test("without a console there is no link", () => {
  for (const format of [slackBody, discordBody, teamsBody, emailOf]) {
    const shown = JSON.stringify(format(message({ link: null, details: [] })));
    assert.doesNotMatch(shown, /https:\/\/edge|Show the incident|OpenUrl|"blocks":\[[^\]]*mrkdwn/, format.name);
  }
});

/** The longest text that our rules write is 300 characters; these are far longer. */
const long = message({
  title: `Still open: ${"<&>".repeat(200)}`,
  text: "*&".repeat(3000),
  details: Array.from({ length: 9 }, () => detailOf("reason", "`&<😀".repeat(100))),
});

test("the longest message is within the limits of each service", () => {
  /** @type {any} */
  const slack = slackBody(long);
  assert.ok(slack.blocks.length <= 50);
  for (const { type, text } of slack.blocks) {
    const most = type === "header" ? 150 : 3000;
    assert.ok(text.text.length > 0 && text.text.length <= most, `${type}: ${text.text.length}`);
    if (text.type === "plain_text") {
      assert.doesNotMatch(text.text, /&(?!(amp|lt|gt);)/, "no cut entity");
    }
  }
  /** @type {any} */
  const discord = discordBody(long);
  assert.ok(discord.content.length <= 2000, `${discord.content.length}`);
  /** @type {any} */
  const fits = discordBody({ ...long, title: "t", text: "x" });
  assert.ok(fits.content.length <= 2000);
  assert.match(fits.content, /^\*\*t\*\*\nx\n```\n[^`]+\n```\n<https:\/\/edge\.example\.com\/console\/incidents\/7>$/);
  assert.ok(Buffer.byteLength(JSON.stringify(teamsBody(long))) <= 28 * 1024);
});
