// The page that says why a signature does not match. It cannot connect to anything: what is pasted stays in the browser.

import { render, type TargetedEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { secretsIn } from "../../consumer/secrets.ts";
import { diagnose } from "../../diagnosis.ts";
import { type Diagnosed, DiagnosisResult } from "./diagnosis-result.tsx";
import { Frame } from "./frame.tsx";
import { formatCount } from "./numbers.ts";
import { Heading } from "./parts.tsx";

/** The largest body that a verifier takes. */
const maxBodyBytes = 1_048_576;

type State = { readonly is: "idle" | "working" } | { readonly is: "done"; readonly diagnosed: Diagnosed } | Failed;

interface Failed {
  /** Incomplete until what the reason names is entered. */
  readonly is: "failed" | "incomplete";
  readonly reason: string;
}

function Diagnose() {
  const form = useRef<HTMLFormElement>(null);
  const [file, setFile] = useState<File>();
  const [areShown, setShown] = useState(false);
  const [state, setState] = useState<State>({ is: "idle" });
  // Rises with each change of the fields, so that no result is shown that is of others.
  const round = useRef(0);

  const change = (next: State = { is: "idle" }) => {
    round.current += 1;
    setState(next);
  };
  const clear = () => {
    form.current?.reset();
    setFile(undefined);
    setShown(false);
    change();
  };
  const take = (chosen: File | undefined) => {
    if (chosen !== undefined && chosen.size > maxBodyBytes) {
      change({ is: "failed", reason: tooLarge(chosen.size) });
    } else if (chosen !== undefined) {
      setFile(chosen);
      change();
    }
  };
  const remove = () => {
    setFile(undefined);
    change();
  };
  const submit = (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    const { elements } = event.currentTarget;
    const entered = (name: string) => (elements.namedItem(name) as HTMLInputElement | HTMLTextAreaElement).value;
    const fields = { text: entered("body"), signature: entered("signature"), secrets: entered("secrets") };
    const missing = missingOf(file, fields);
    if (missing.length > 0) {
      change({ is: "incomplete", reason: `Missing: ${missing.join(", ")}.` });
      return;
    }
    change({ is: "working" });
    const { current } = round;
    // A large body takes more than a second, in which nothing is drawn.
    requestAnimationFrame(() =>
      setTimeout(async () => {
        const next = await resultOf(file, fields);
        if (round.current === current) {
          setState(next);
        }
      }),
    );
  };
  useClearedOnLeave(clear);
  useDrop(take);

  const isWorking = state.is === "working";
  return (
    <>
      <Heading title="Diagnose a signature" />
      <p class="prose">
        A delivery was refused with <code>invalid_signature</code>? Paste what came, and this page says why its
        signature does not match. <strong>Everything stays in this browser:</strong> this page is not allowed to connect
        to anything, which the browser enforces. So it works without a session, and shows no name and no log-out.
      </p>
      <form ref={form} class="card" aria-label="Delivery" autocomplete="off" onSubmit={submit} onInput={() => change()}>
        <BodyField file={file} onFile={take} onRemove={remove} />
        <SignatureField />
        <SecretsField areShown={areShown} onShow={() => setShown(!areShown)} />
        <div class="actions">
          <button type="submit" class="primary" disabled={isWorking}>
            Diagnose
          </button>
          <button type="button" onClick={clear}>
            Clear
          </button>
          <span role="status" class={isWorking ? "muted" : "failed"}>
            {isWorking ? "Working…" : state.is === "incomplete" && state.reason}
          </span>
        </div>
      </form>
      {state.is === "failed" && (
        <div class="notice bad" role="alert">
          {state.reason}
        </div>
      )}
      {state.is === "done" && <DiagnosisResult {...state.diagnosed} />}
    </>
  );
}

interface BodyFieldProps {
  readonly file: File | undefined;
  readonly onFile: (file: File | undefined) => void;
  readonly onRemove: () => void;
}

function BodyField({ file, onFile, onRemove }: BodyFieldProps) {
  return (
    <div class="field">
      <label for="body">Body, as it came</label>
      {file !== undefined && (
        <p class="actions">
          <code>{file.name}</code>
          <span class="muted">{formatCount(file.size)} bytes</span>
          <button type="button" class="small" onClick={onRemove}>
            Remove the file
          </button>
        </p>
      )}
      <textarea
        id="body"
        name="body"
        rows={8}
        hidden={file !== undefined}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-describedby="body-hint"
      />
      <input
        type="file"
        aria-label="File with the body"
        hidden={file !== undefined}
        onInput={(event) => event.stopPropagation()}
        onChange={(event) => {
          onFile(event.currentTarget.files?.[0]);
          // Otherwise the same file could not be chosen again.
          event.currentTarget.value = "";
        }}
      />
      <small id="body-hint">
        Choose a file, or drop it on this page, to keep the exact bytes: the text field turns CRLF into LF. At most 1
        MiB.
      </small>
    </div>
  );
}

function SignatureField() {
  return (
    <div class="field">
      <label for="signature">Signature</label>
      <textarea
        id="signature"
        name="signature"
        rows={2}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-describedby="signature-hint"
        onKeyDown={(event) => {
          // A line break would be part of the value.
          if (event.key === "Enter" && !event.isComposing) {
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }
        }}
      />
      <small id="signature-hint">
        The value of the header <code>X-Cronozen-Signature</code>. Leave it empty if the request has none.
      </small>
    </div>
  );
}

function SecretsField({ areShown, onShow }: { readonly areShown: boolean; readonly onShow: () => void }) {
  return (
    <div class="field">
      <label for="secrets">Signing secrets</label>
      <div class="joined">
        {/* A field for a password would be kept, or filled with the token of the login, by a password manager. */}
        <input
          id="secrets"
          name="secrets"
          class={areShown ? undefined : "concealed"}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          aria-describedby="secrets-hint"
          onPaste={pasteOnOneLine}
        />
        <button type="button" aria-pressed={areShown} onClick={onShow}>
          Show
        </button>
      </div>
      <small id="secrets-hint">
        As they are set in <code>CRONOZEN_SIGNING_SECRET</code>: one to eight, separated by white space, the newest
        first. Those of <code>CRONOZEN_SIGNING_SECRET_NEXT</code> come before them.
      </small>
    </div>
  );
}

/** Some browsers drop the line breaks from what is pasted into one line, which would join two secrets. */
function pasteOnOneLine(event: TargetedEvent<HTMLInputElement, ClipboardEvent>): void {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (/[\r\n]/.test(text)) {
    event.preventDefault();
    const { currentTarget } = event;
    const { selectionStart, selectionEnd } = currentTarget;
    currentTarget.setRangeText(text.replace(/[\r\n]+/g, " "), selectionStart ?? 0, selectionEnd ?? 0, "end");
    currentTarget.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}

interface Fields {
  readonly text: string;
  readonly signature: string;
  readonly secrets: string;
}

/** An empty body, or no signature, is a mistake to be found, but not both. */
function missingOf(file: File | undefined, { text, signature, secrets }: Fields): string[] {
  const isEmpty = file === undefined && text === "" && signature.trim() === "";
  return [
    ...(isEmpty ? ["the body", "the signature"] : []),
    ...(secretsIn(secrets).length === 0 ? ["the signing secret"] : []),
  ];
}

async function resultOf(file: File | undefined, { text, signature, secrets }: Fields): Promise<State> {
  try {
    const body = file === undefined ? new TextEncoder().encode(text) : new Uint8Array(await file.arrayBuffer());
    if (body.length > maxBodyBytes) {
      return { is: "failed", reason: tooLarge(body.length) };
    }
    const list = secretsIn(secrets);
    // A header's value holds no line break: one at an end comes from the copying.
    const value = signature.replace(/^[\r\n]+|[\r\n]+$/g, "").replace(/^x-cronozen-signature:[ \t]*/i, "");
    const diagnosis = diagnose(body, value === "" ? undefined : value, list);
    const isUnusual = !list.every((secret) => /^whsec_.{26}/.test(secret));
    const diagnosed = { diagnosis, body, isFile: file !== undefined, secrets: list.length, isUnusual };
    return { is: "done", diagnosed };
  } catch (error) {
    const reason = error instanceof DOMException ? "file not readable, choose it again" : String(error);
    return { is: "failed", reason: `The diagnosis failed: ${reason}.` };
  }
}

function tooLarge(bytes: number): string {
  return `Body too large: ${formatCount(bytes)} bytes, and a verifier takes at most ${formatCount(maxBodyBytes)}.`;
}

/** A browser keeps pages that were left, with what is in their fields. */
function useClearedOnLeave(clear: () => void): void {
  useEffect(() => {
    addEventListener("pagehide", clear);
    return () => removeEventListener("pagehide", clear);
  }, []);
}

/** Takes a file that is dropped anywhere on the page: the browser would open it in the page's place. */
function useDrop(take: (file: File | undefined) => void): void {
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes("Files")) {
        event.preventDefault();
      }
    };
    const drop = (event: DragEvent) => {
      over(event);
      take(event.dataTransfer?.files[0]);
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
    };
  }, []);
}

const app = document.querySelector("#app");
if (app !== null) {
  app.replaceChildren();
  render(
    <Frame path={location.pathname}>
      <Diagnose />
    </Frame>,
    app,
  );
}
