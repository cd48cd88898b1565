// Keyboard shortcuts, and the list of them.

import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { viewPath } from "./api.ts";
import { views } from "./frame.tsx";
import { isStored, store } from "./stored.ts";

/** Single keys disturb those who dictate, so they can be switched off. */
const off = "shortcuts-off";

/** The time within which the second key of a pair must come. */
const pairMs = 1200;

const others = [
  ["/", "go to the first filter"],
  ["j, k", "go to the next, the previous row"],
  ["Enter", "open the row"],
  ["x", "select the row of a dead letter"],
  ["u", "show times in UTC, or local"],
  ["?", "show this list"],
  ["Esc", "close it"],
];

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);
}

/** Moves the focus among the rows' links. */
function moveRow(step: number): void {
  const links = [...document.querySelectorAll<HTMLElement>("main tbody tr")].flatMap(
    (row) => row.querySelector<HTMLElement>("a") ?? [],
  );
  const current = links.indexOf(document.activeElement as HTMLElement);
  const next = current === -1 ? (step > 0 ? 0 : links.length - 1) : current + step;
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

interface ShortcutsProps {
  readonly onZone: () => void;
  readonly isOpen: boolean;
  readonly setOpen: (isOpen: boolean) => void;
}

export function Shortcuts({ onZone, isOpen, setOpen }: ShortcutsProps) {
  const { route } = useLocation();
  const pairUntil = useRef(0);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const { key } = event;
      const isBusy = document.querySelector("dialog[open]") !== null;
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isBusy || isStored(off)) {
        return;
      }
      const place = performance.now() < pairUntil.current ? views.find(({ letter }) => letter === key) : undefined;
      pairUntil.current = key === "g" ? performance.now() + pairMs : 0;
      if (place !== undefined) {
        route(viewPath(place.view));
      } else if (key === "?") {
        setOpen(true);
      } else if (key === "/") {
        event.preventDefault();
        document.querySelector<HTMLElement>("main search :is(input, select)")?.focus();
      } else if (key === "j" || key === "k") {
        moveRow(key === "j" ? 1 : -1);
      } else if (key === "x") {
        document.querySelector<HTMLElement>("tr:focus-within input[type=checkbox]")?.click();
      } else if (key === "u") {
        onZone();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [route, onZone, setOpen]);
  return isOpen ? <ShortcutList onClose={() => setOpen(false)} /> : null;
}

function ShortcutList({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOn, setOn] = useState(!isStored(off));
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="shortcuts-title" onClose={onClose}>
      <h2 id="shortcuts-title">Keyboard shortcuts</h2>
      <dl class="shortcuts">
        {views.map(
          ({ view, name, letter }) =>
            letter !== undefined && (
              <div key={view}>
                <dt>
                  <kbd>g</kbd> <kbd>{letter}</kbd>
                </dt>
                <dd>{name}</dd>
              </div>
            ),
        )}
        {others.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={isOn}
          onChange={(event) => {
            store(off, !event.currentTarget.checked);
            setOn(event.currentTarget.checked);
          }}
        />
        Use these shortcuts in this browser
      </label>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
