// The output of commands: a result for people or, with `--json`, for programs.

import type { Command } from "commander";

/** The exit codes: all is well, the answer is no, and the command could not do its work. */
export const well = 0;
const notWell = 1;
export const failed = 2;

/** The result of a command. */
export interface Result {
  /** If all is well. The exit code is 1 if not. */
  readonly ok: boolean;
  /** What people read, without a line break at its end. */
  readonly text: string;
  /** What `--json` prints, besides `ok`. docs/command-line.md documents it. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** The reason why a command could not do its work. It names the failure first, then the cure. It holds no secret. */
export class Failure extends Error {
  override readonly name = "Failure";
}

/** Gives a command the option `--json`, and an action that prints the result and sets the exit code. */
export function prints<Args extends unknown[]>(command: Command, action: (...args: Args) => Promise<Result>): void {
  command.option("--json", "print the result as JSON, for programs").action(async (...args) => {
    const { ok, text, json } = await action(...(args as Args));
    process.stdout.write(`${command.opts().json ? JSON.stringify({ ok, ...json }, null, 2) : text}\n`);
    process.exitCode = ok ? well : notWell;
  });
}

/** Prints a failure, and returns the exit code. With `--json` it is JSON, too. */
export function reported(failure: Failure): number {
  if (process.argv.includes("--json")) {
    process.stdout.write(`${JSON.stringify({ ok: false, error: failure.message }, null, 2)}\n`);
  } else {
    const { message } = failure;
    const label = process.stderr.isTTY && !process.env.NO_COLOR ? "\x1b[31mfailed\x1b[0m" : "failed";
    process.stderr.write(`${label}  ${process.stderr.isTTY ? wrapped(message, 8).trimStart() : message}\n`);
  }
  return failed;
}

/** Colours are for a terminal, not for a file or another program. https://no-color.org */
const colours = process.stdout.isTTY === true && !process.env.NO_COLOR && !process.argv.includes("--json");

function colour(code: number): (text: string) => string {
  return (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
}

export const green = colour(32);
export const red = colour(31);
export const yellow = colour(33);
export const dim = colour(2);
export const bold = colour(1);

/** The width of the terminal. Without one, the usual width. */
export const width = Math.max(40, process.stdout.columns ?? 80);

/** Breaks the lines of a text into lines that fit into the terminal, each after `indent` spaces. */
export function wrapped(text: string, indent = 0): string {
  return text
    .split("\n")
    .flatMap((line) => wrappedLine(line, indent))
    .join("\n");
}

/** Breaks one line. Its own indentation stays. */
function wrappedLine(text: string, indent: number): string[] {
  const words = text.trimStart();
  const margin = " ".repeat(indent + text.length - words.length);
  const room = Math.min(width, 100) - margin.length;
  const lines = [""];
  for (const word of words.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(word);
    } else {
      lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
    }
  }
  return lines.map((line) => (margin + line).trimEnd());
}
