// The command line: `npx --no cronozen-edge <command>`.

import { Command, CommanderError } from "commander";
import { plainLines } from "./columns.ts";
import { addDeadLetters } from "./dead-letters.ts";
import { addDev } from "./dev.ts";
import { addDoctor } from "./doctor.ts";
import { addInit } from "./init.ts";
import { Failure, failed, reported } from "./output.ts";
import { version } from "./package.ts";
import { addSend } from "./send.ts";
import { addSetup } from "./setup.ts";
import { addVerify } from "./verify.ts";

/** The exit codes, which the help explains. */
const exitCodes = "Exit codes: 0 if all is well, 1 if not, 2 if the command could not do its work.";

const program = new Command("cronozen-edge")
  .description("Receives Cronozen's webhooks: starts a project, sends samples, and finds what is wrong.")
  .version(version)
  .helpCommand(false)
  .showHelpAfterError("(--help shows the usage)")
  .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 80, 100), sortSubcommands: false })
  .addHelpText("after", `\n${exitCodes}`)
  .exitOverride();

// The reader of the output has ended, such as `head`.
process.stdout.on("error", () => process.exit(failed));

addInit(program);
addDev(program);
addSetup(program);
addSend(program);
addDeadLetters(program);
addVerify(program);
addDoctor(program);

try {
  // Without a command, it shows the help: npx keeps a --help of its own.
  await program.parseAsync(process.argv.length > 2 ? process.argv : [...process.argv, "--help"]);
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    // commander has printed it for people. The help and the version are no failure.
    if (error.exitCode !== 0 && process.argv.includes("--json")) {
      return reported(new Failure(error.message.replace(/^error: /, "")));
    }
    return error.exitCode === 0 ? 0 : failed;
  }
  if (error instanceof Failure) {
    return reported(error);
  }
  if (process.env.DEBUG) {
    console.error(error);
  }
  const message = error instanceof Error ? error.message : String(error);
  reported(new Failure(`unexpected failure: ${plainLines(message)}: DEBUG=1 shows where`));
  // Other work may still run, such as further deliveries.
  process.exit(failed);
}
