// Erases the data of an event, after its id has been typed.

import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type { Erasure } from "../../consumer/erase.ts";
import { ApiError, ask } from "./api.ts";
import { ErrorNotice } from "./notice.tsx";
import { Exact } from "./parts.tsx";
import { SessionContext } from "./session.tsx";

interface Props {
  readonly eventId: string;
  readonly onErased: () => void;
}

export function EraseButton(props: Props) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="danger small" onClick={() => setOpen(true)}>
        Erase personal data…
      </button>
      {isOpen && <EraseDialog {...props} key={props.eventId} onClose={() => setOpen(false)} />}
    </>
  );
}

function EraseDialog({ eventId, onErased, onClose }: Props & { readonly onClose: () => void }) {
  const { noticeError } = useContext(SessionContext);
  const dialog = useRef<HTMLDialogElement>(null);
  const isBusy = useRef(false);
  const [typed, setTyped] = useState("");
  const [state, setState] = useState<"asks" | "erases" | ApiError | Erasure>("asks");
  useEffect(() => dialog.current?.showModal(), []);

  const erase = async (event: SubmitEvent) => {
    event.preventDefault();
    // A second click comes before the button is drawn as disabled.
    if (isBusy.current || typed !== eventId) {
      return;
    }
    isBusy.current = true;
    setState("erases");
    try {
      setState(await ask<Erasure>("erase", { body: { eventId } }));
      onErased();
    } catch (error) {
      const failure = error instanceof ApiError ? error : new ApiError(0, "failed", String(error));
      setState(failure);
      noticeError(failure);
      isBusy.current = false;
    }
  };
  const isBroken = state instanceof ApiError;
  return (
    <dialog ref={dialog} aria-labelledby="erase-title" onClose={onClose}>
      {typeof state === "object" && !isBroken ? (
        <form method="dialog">
          <h2 id="erase-title">Erased</h2>
          <Result erasure={state} />
          <div class="actions">
            <button type="submit" autofocus>
              Close
            </button>
          </div>
        </form>
      ) : (
        <form onSubmit={erase}>
          <h2 id="erase-title">Erase personal data of this event?</h2>
          <p>
            <strong>Deleted for good:</strong> its dead letters, its large body in R2, and the records of its
            deliveries. If it has not been handled yet, it never will be.
          </p>
          <p>
            <strong>Stays:</strong> its id, type and times in the ledger, so that a late copy has no effect; the audit,
            with your name; and what your handlers have stored, which you delete yourself. Logs, the restore of D1 and
            Cronozen's own copy are not touched.
          </p>
          {isBroken && <ErrorNotice error={state} />}
          <label>
            Type the event's id to confirm
            <span class="id">
              <code>
                <Exact text={eventId} />
              </code>
            </span>
            <input
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
              maxLength={320}
              autocomplete="off"
              spellcheck={false}
              autofocus
            />
          </label>
          <div class="actions">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="danger" disabled={typed !== eventId || state === "erases"}>
              {state === "erases" ? "Erasing…" : "Erase"}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}

function Result({ erasure }: { readonly erasure: Erasure }) {
  const { deadLetters, bodies, activityRecords, bodiesLeft } = erasure;
  return (
    <div class="stack" role="status">
      <p>
        Deleted: dead letters {deadLetters}, bodies in R2 {bodies}, records of deliveries{" "}
        {activityRecords ?? "none, because Activity is not bound"}.
      </p>
      {bodiesLeft.length > 0 && (
        <p>
          <strong>Bodies that remain in R2,</strong> because deadLetters() has no option bodies. Delete them there:{" "}
          <code>{bodiesLeft.join(", ")}</code>
        </p>
      )}
      <p>Now delete what your handlers have stored of it.</p>
    </div>
  );
}
