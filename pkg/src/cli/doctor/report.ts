// The report of `doctor` for people: problems first, then what is not known, then what is well.

import { bold, dim, green, red, wrapped, yellow } from "../output.ts";
import type { Finding, GroupResult } from "./check.ts";

/** The columns of the names of groups, at the left. */
const nameColumns = 12;

/** Parts that are looked at only when the user asks for them, and how to ask. */
const further: readonly [name: string, how: string][] = [
  ["account", "not looked at: add --account"],
  ["deployment", "not looked at: add the webhook's URL"],
];

export function reportOf(results: readonly GroupResult[], notes: readonly Finding[]): string {
  const findings = results.flatMap((result) => result.findings);
  const problems = findings.filter(({ status }) => status === "problem");
  const open = findings.filter(({ status }) => status === "unknown");
  const well = results.filter(
    ({ summary, findings: own }) => summary !== "" && own.every(({ status }) => status === "ok"),
  );
  const blocks = [
    ...problems.map((finding) => block(red("problem"), finding)),
    ...open.map((finding) => block(yellow("unknown"), finding)),
    [
      ...well.map(({ name, summary }) => row(green("ok"), name, summary)),
      ...further
        .filter(([part]) => !results.some(({ name }) => name === part))
        .map(([name, how]) => row(dim("--"), name, dim(how))),
    ].join("\n"),
    notes.map(({ message }) => dim(wrapped(message))).join("\n"),
    verdict(problems.length, open.length, findings.length - problems.length - open.length),
  ];
  return blocks.filter((text) => text !== "").join("\n\n");
}

function block(label: string, { code, message, cure }: Finding): string {
  const [sentence = "", ...lines] = (cure ?? "").split("\n");
  return [
    `${label}  ${bold(code)}`,
    wrapped(`${message}.`, 2),
    ...(sentence === "" ? [] : [wrapped(sentence, 2)]),
    // They are to be pasted, so they are not wrapped.
    ...lines.map((line) => `    ${line}`.trimEnd()),
  ].join("\n");
}

function row(label: string, name: string, summary: string): string {
  const indent = "ok  ".length + nameColumns;
  const text = wrapped(summary, indent).trimStart();
  return `${label}  ${name.padEnd(nameColumns)}${text}`;
}

function verdict(problems: number, open: number, passed: number): string {
  const rest = `${passed} checks passed${open === 0 ? "" : `, ${open} not known`}.`;
  if (problems > 0) {
    return red(`${problems} ${problems === 1 ? "problem" : "problems"}: ${rest}`);
  }
  return open === 0 ? green(`All is well: ${rest}`) : yellow(`No problem found: ${rest}`);
}
