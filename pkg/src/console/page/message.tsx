// The message of a dead letter. It may hold personal data, so it is shown on request only.

import { useMemo, useState } from "preact/hooks";
import { formatBytes, formatCount } from "./numbers.ts";
import { Choice, CopyButton } from "./parts.tsx";

/** Browsers lay out a longer text slowly. */
const shownCharacters = 200_000;

type Format = "plain" | "formatted";

const formats = [
  ["plain", "As it was"],
  ["formatted", "Formatted"],
] as const;

interface MessageProps {
  readonly id: number;
  readonly text: string;
  readonly bytes: number;
}

export function Message({ id, text, bytes }: MessageProps) {
  const [isShown, setShown] = useState(false);
  const [format, setFormat] = useState<Format>("plain");
  const parsed = useMemo(() => parse(text), [text]);
  return (
    <section class="card" aria-labelledby="message-title">
      <div class="heading">
        <h2 id="message-title">Message</h2>
        <div class="actions">
          {isShown && parsed !== undefined && (
            <Choice label="Format" options={formats} value={format} onChange={setFormat} />
          )}
          <CopyButton text={text} label="Copy" />
          <button type="button" class="small quiet" onClick={() => download(id, text)}>
            Download
          </button>
          <button type="button" class="small" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
            {isShown ? "Hide the message" : "Show the message"}
          </button>
        </div>
      </div>
      <BodyInBucket message={parsed} />
      {isShown ? (
        <Text text={text} parsed={format === "formatted" ? parsed : undefined} />
      ) : (
        <p class="muted">{formatBytes(bytes)}, with the event's body. It may hold personal data.</p>
      )}
    </section>
  );
}

function Text({ text, parsed }: { readonly text: string; readonly parsed: object | undefined }) {
  const whole = useMemo(() => (parsed === undefined ? text : JSON.stringify(parsed, null, 2)), [text, parsed]);
  return (
    <>
      {parsed !== undefined && (
        <p class="muted">Formatted for reading: long numbers may be rounded. Copy and download have it as it was.</p>
      )}
      {/* biome-ignore lint/a11y/useSemanticElements: the text keeps its lines */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
      <pre tabIndex={0} role="region" aria-label="Text of the message">
        {whole.slice(0, shownCharacters)}
      </pre>
      {whole.length > shownCharacters && (
        <p class="muted">
          These are the first {formatCount(shownCharacters)} of {formatCount(whole.length)} characters. Download it to
          see the rest.
        </p>
      )}
    </>
  );
}

/** A body that does not fit the queue is not in the message. */
function BodyInBucket({ message }: { readonly message: object | undefined }) {
  const { bodyKey, bodyBytes } = (message ?? {}) as { bodyKey?: unknown; bodyBytes?: unknown };
  return typeof bodyKey !== "string" ? null : (
    <p>
      The body{typeof bodyBytes === "number" && ` (${formatBytes(bodyBytes)})`} is too large for the queue. It is in the
      R2 bucket of the gateway, and the message names it: <code>{bodyKey}</code>
    </p>
  );
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function download(id: number, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = `dead-letter-${id}.txt`;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
