// `verify`: says whether a captured delivery verifies and, if not, why.

import type { Command } from "commander";
import { Verifier } from "cronozen-edge";
import { type Diagnosis, diagnose } from "cronozen-edge/diagnosis";
import { type Capture, expectedInput, isUtf16, readRequest, withoutStart } from "./capture.ts";
import { isCurl, readCurl, readFile } from "./curl.ts";
import { bold, dim, Failure, green, prints, type Result, red, wrapped } from "./output.ts";
import { variablesIn } from "./project.ts";
import { mostSecrets, secretsIn } from "./secrets.ts";

interface VerifyOptions {
  readonly body?: string;
  readonly signature?: string;
}

/** A variable with secrets. */
interface Variable {
  readonly name: string;
  readonly secrets: readonly string[];
}

/** The variables with secrets, the newest first. */
const secretNames = ["CRONOZEN_SIGNING_SECRET_NEXT", "CRONOZEN_SIGNING_SECRET"];

/** The largest body that a verifier takes. */
const maxBodyBytes = 1_048_576;

const examples = `
Examples:
  cronozen-edge verify request.txt
  pbpaste | cronozen-edge verify
  cronozen-edge verify --body body.json --signature 5f1d...

The input is a raw HTTP request: its head, a blank line, and its body. Or it is
a curl command with --data-binary and -H. The secrets are those of the variables
CRONOZEN_SIGNING_SECRET and CRONOZEN_SIGNING_SECRET_NEXT, or of .dev.vars.`;

export function addVerify(program: Command): void {
  const command = program
    .command("verify")
    .summary("find out why a captured request does not verify")
    .description(
      "Verifies a captured request. If its signature does not match, it names the mistake, proves it where it can, and says what to do. It sends nothing.",
    )
    .argument("[file]", "the captured request (default: standard input)")
    .option("--body <file>", "the body alone, as it came; - is standard input")
    .option("--signature <value>", "with --body: the value of X-Cronozen-Signature")
    .addHelpText("after", examples);
  prints(command, async (file: string | undefined, options: VerifyOptions) => verify(file, options));
}

async function verify(file: string | undefined, options: VerifyOptions): Promise<Result> {
  const capture = await captureOf(file, options);
  const variables = variablesInUse();
  const secrets = variables.flatMap((variable) => variable.secrets);
  if (secrets.length > mostSecrets) {
    throw new Failure(
      `${secrets.length} secrets, at most ${mostSecrets} are allowed: the gateway refuses these settings, so remove the oldest`,
    );
  }
  if (capture.body.length > maxBodyBytes) {
    throw new Failure(`body too large: ${capture.body.length} bytes, and a verifier takes at most ${maxBodyBytes}`);
  }
  const diagnosis = diagnose(capture.body, capture.signature, secrets);
  const { findings } = diagnosis;
  const verified = areUsable(secrets) ? diagnosis.verified : undefined;
  return {
    ok: verified !== undefined,
    text: reportOf({ verified, findings }, capture, variables),
    json: {
      verified: verified ?? null,
      secrets: secrets.length,
      bytes: capture.body.length,
      findings,
      notes: capture.notes,
    },
  };
}

async function captureOf(file: string | undefined, { body, signature }: VerifyOptions): Promise<Capture> {
  if (body === undefined && signature !== undefined) {
    throw new Failure("--signature without a body: add --body <file>");
  }
  if (body !== undefined) {
    if (file !== undefined) {
      throw new Failure(`input twice: ${file} and --body: name one of them`);
    }
    const bytes = await inputOf(body);
    const notes = isUtf16(bytes) ? ["The body is in UTF-16, as PowerShell's > writes it. Save it as it came."] : [];
    return { body: bytes, signature, notes };
  }
  const input = withoutStart(await inputOf(file ?? "-"));
  if (input.length === 0) {
    throw new Failure(`input empty: ${expectedInput}`);
  }
  return isCurl(input) ? readCurl(input) : readRequest(input);
}

async function inputOf(file: string): Promise<Buffer> {
  if (file !== "-") {
    return readFile(file);
  }
  if (process.stdin.isTTY) {
    throw new Failure(`input missing: name a file, or pipe the request in: ${expectedInput}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Returns the variables that have secrets. One that the environment does not set is taken from .dev.vars. */
function variablesInUse(): Variable[] {
  const local = variablesIn(".dev.vars");
  const variables = secretNames
    .map((name) => ({
      name,
      secrets: [process.env[name], local[name]].map(secretsIn).find(({ length }) => length > 0) ?? [],
    }))
    .filter(({ secrets }) => secrets.length > 0);
  if (variables.length === 0) {
    throw new Failure(
      "CRONOZEN_SIGNING_SECRET neither set nor in .dev.vars of this folder: run read -rs CRONOZEN_SIGNING_SECRET; export CRONOZEN_SIGNING_SECRET, then paste it and press Enter",
    );
  }
  return variables;
}

/** Returns true if a verifier takes all of the secrets. With one that it refuses, the gateway verifies nothing. */
function areUsable(secrets: readonly string[]): boolean {
  try {
    new Verifier(secrets);
    return true;
  } catch (error) {
    if (error instanceof TypeError) {
      return false;
    }
    throw error;
  }
}

function reportOf({ verified, findings }: Diagnosis, { body, notes }: Capture, variables: readonly Variable[]): string {
  const count = variables.reduce((sum, { secrets }) => sum + secrets.length, 0);
  const known = `body of ${body.length} bytes, ${count === 1 ? "1 secret" : `${count} secrets, 0 is the newest`}`;
  const places = count === 1 ? "" : `\n${dim(`secrets  ${wrapped(placesOf(variables), 9).trimStart()}`)}`;
  const verdict =
    verified === undefined ? red("not verified") : green(`verified by the secret at position ${verified}`);
  const blocks = findings.map(({ code, message, cure, proof }, position) =>
    [
      bold(code),
      wrapped(sentence(message), 2),
      // Mistakes that are proved together have one proof, which stands at the last.
      ...(proof === undefined || proof === findings[position + 1]?.proof
        ? []
        : [dim(wrapped(`Proof: ${sentence(proof)}`, 2))]),
      wrapped(sentence(cure), 2),
    ].join("\n"),
  );
  return [`${verdict}  ${dim(known)}${places}`, ...notes.map((note) => wrapped(note)), ...blocks].join("\n\n");
}

/** Returns the positions of the secrets, each with the variable that holds it. */
function placesOf(variables: readonly Variable[]): string {
  let next = 0;
  const places = variables.map(({ name, secrets }) => {
    const first = next;
    next += secrets.length;
    return `${secrets.length === 1 ? first : `${first} to ${next - 1}`}: ${name}`;
  });
  return places.join(", ");
}

function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
