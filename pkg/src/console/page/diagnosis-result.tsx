// The result of a diagnosis: the verdict, and each mistake with its cure and its proof.

import { useEffect, useRef } from "preact/hooks";
import type { Diagnosis, DiagnosisCode, Finding } from "../../diagnosis.ts";
import { formatCount } from "./numbers.ts";
import { CopyButton, Fact, Facts } from "./parts.tsx";

export interface Diagnosed {
  readonly diagnosis: Diagnosis;
  readonly body: Uint8Array;
  /** False if the body is from the text field. */
  readonly isFile: boolean;
  /** The number of secrets. */
  readonly secrets: number;
  /** True if one of them has no `whsec_` or fewer than 32 characters: Cronozen's are not so. */
  readonly isUnusual: boolean;
}

const parties = { receiver: "yours, in the settings", signer: "the sender's, in the program that has signed" };

/** A text field, or the clipboard before it, may itself have made the difference. */
const unsureInText: ReadonlySet<DiagnosisCode> = new Set([
  "body_trailing_newline",
  "body_line_breaks",
  "body_byte_order_mark",
  "body_latin1",
  "unexplained",
]);

export function DiagnosisResult(diagnosed: Diagnosed) {
  const { diagnosis } = diagnosed;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    heading.current?.scrollIntoView();
  }, [diagnosis]);
  const notes = notesOf(diagnosed);
  return (
    <section class={`notice result ${diagnosis.verified === undefined ? "bad" : "good"}`} aria-labelledby="verdict">
      <div class="heading">
        <h2 ref={heading} id="verdict" tabIndex={-1}>
          {verdictOf(diagnosis)}
        </h2>
        <CopyButton text={textOf(diagnosed)} label="Copy the result" />
      </div>
      <p class="muted">{inputOf(diagnosed)}</p>
      {notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      {diagnosis.findings.map((finding, position) => (
        <Mistake key={position} finding={finding} isProvedByNext={isProvedByNext(diagnosis, position)} />
      ))}
    </section>
  );
}

interface MistakeProps {
  readonly finding: Finding;
  readonly isProvedByNext: boolean;
}

function Mistake({ finding: { code, message, cure, party, position, proof }, isProvedByNext }: MistakeProps) {
  return (
    <article class="finding">
      <h3>{sentence(message)}</h3>
      <p>{cure}</p>
      <Facts>
        <Fact name="Code">
          <code>{code}</code>
        </Fact>
        {party !== undefined && <Fact name="Whose side">{parties[party]}</Fact>}
        {position !== undefined && <Fact name="Secret">{secretAt(position)}</Fact>}
        <Fact name="Proof">
          {proof === undefined || isProvedByNext ? (
            <span class="muted">{isProvedByNext ? "the one below: both together" : unproven(code)}</span>
          ) : (
            sentence(proof)
          )}
        </Fact>
      </Facts>
    </article>
  );
}

/** Mistakes that are proved together have one proof, which stands at the last. */
function isProvedByNext({ findings }: Diagnosis, position: number): boolean {
  const proof = findings[position]?.proof;
  return proof !== undefined && proof === findings[position + 1]?.proof;
}

function verdictOf({ verified, findings }: Diagnosis): string {
  if (verified !== undefined) {
    return `The signature is right: it matches the secret at ${secretAt(verified)}.`;
  }
  return findings.some(({ code }) => code === "unexplained")
    ? "The signature does not match, and no known mistake explains it."
    : "The signature does not match, and here is why.";
}

function secretAt(position: number): string {
  return `position ${position}${position === 0 ? ", the newest" : ""}`;
}

function unproven(code: DiagnosisCode): string {
  if (code === "unexplained") {
    return "none: no combination gives this signature";
  }
  return `none needed: it is a fact of the ${code.startsWith("secret") ? "secrets" : "header"}`;
}

function inputOf({ body, isFile, secrets }: Diagnosed): string {
  const from = isFile ? "from a file" : "from the text field";
  const known = secrets === 1 ? "1 secret" : `${secrets} secrets, 0 is the newest`;
  return `Body of ${formatCount(body.length)} bytes ${from}, ${known}.`;
}

function notesOf({ diagnosis, body, isFile, isUnusual }: Diagnosed): string[] {
  const notes: string[] = [];
  const start = new TextDecoder("latin1").decode(body.subarray(0, 400));
  if (/^(\xff\xfe|\xfe\xff)/.test(start)) {
    notes.push("The body is in UTF-16, as PowerShell's > writes it. Save it as it came.");
  }
  if (/^(curl\s|POST \S+|x-cronozen-signature:)/im.test(start) && !start.trimStart().startsWith("{")) {
    notes.push("The body looks like a whole request. Paste only what follows its blank line.");
  }
  if (!isFile && diagnosis.findings.some(({ code }) => unsureInText.has(code))) {
    notes.push("Copying or the text field may have changed the body. A file with its exact bytes makes it certain.");
  }
  if (isUnusual && diagnosis.findings.some(({ code }) => code === "unexplained")) {
    notes.push(
      "A secret is short, or does not begin with whsec_. Compare it with the registration's before you rotate it.",
    );
  }
  return notes;
}

/** Returns the result as text. It holds no secret, as no text of a finding does. */
function textOf(diagnosed: Diagnosed): string {
  const { diagnosis } = diagnosed;
  const findings = diagnosis.findings.map(({ code, message, cure, party, proof }, position) =>
    [
      `${code}: ${sentence(message)}`,
      ...(party === undefined ? [] : [`Whose side: ${parties[party]}.`]),
      ...(proof === undefined || isProvedByNext(diagnosis, position) ? [] : [`Proof: ${sentence(proof)}`]),
      `Cure: ${cure}`,
    ].join("\n"),
  );
  const verdict = `${verdictOf(diagnosis)}\n${inputOf(diagnosed)}`;
  return `${[verdict, ...notesOf(diagnosed), ...findings].join("\n\n")}\n`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}
