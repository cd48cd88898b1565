// The small parts that views are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { mount } from "./api.ts";
import { type Tone, tones, wordsOf } from "./words.ts";

/** The time for which a button shows that it has copied. */
const copiedMs = 1500;

/** A word with a dot: the tone is never shown by its colour alone. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function Outcome({ name }: { readonly name: string }) {
  return <Badge tone={tones[name] ?? "quiet"}>{wordsOf(name)}</Badge>;
}

/** Copies a text, and says for a moment if that worked. */
function useCopy(text: string) {
  const [state, setState] = useState<"" | "copied" | "failed">("");
  const timer = useRef<number>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      setState("failed");
    }
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setState(""), copiedMs);
  };
  return { state, copy };
}

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const { state, copy } = useCopy(text);
  return (
    <button type="button" class="small quiet" onClick={copy}>
      {state === "copied" ? "Copied" : state === "failed" ? "Not copied" : label}
    </button>
  );
}

interface IdProps {
  readonly value: string | null | undefined;
  readonly href?: string;
  /** Shows so many characters. The whole id is on hover, and is copied. */
  readonly characters?: number;
}

/** An id that can be copied: in full, unless its first characters are enough. */
export function Id({ value, href, characters }: IdProps) {
  if (value === null || value === undefined) {
    return <span class="muted">–</span>;
  }
  return (
    <span class="id">
      {href === undefined ? (
        <code title={characters === undefined ? undefined : value}>
          <Exact text={value.slice(0, characters)} />
        </code>
      ) : (
        <a href={href}>
          <Exact text={value} />
        </a>
      )}
      <CopyIcon text={value} />
    </span>
  );
}

/** Characters that cannot be seen, and those that change the order of others. Emoji need the joiner U+200D. */
const hidden = /([\p{Bidi_Control}\p{Cc}\u00a0\u00ad\u200b\u200c\u2028\u2029\u2060\ufeff])/u;

/** A text that others have chosen, with each hidden character as its number. */
export function Exact({ text }: { readonly text: string }) {
  return text.split(hidden).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      <span key={index} class="hidden-character">
        U+{(part.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}
      </span>
    ),
  );
}

function CopyIcon({ text }: { readonly text: string }) {
  const { state, copy } = useCopy(text);
  return (
    <button type="button" class="copy" aria-label={`Copy ${text}`} title="Copy" onClick={copy}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {state === "copied" ? <path d="M3 8.5l3 3 7-7" /> : <path d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" />}
      </svg>
    </button>
  );
}

/** Copies a command that asks the admin API the same. A quote of the address would end the argument in some shells. */
export function CopyCurl({ path }: { readonly path: string }) {
  const url = `${location.origin}${mount}/api/${path}`.replaceAll("'", "%27");
  return <CopyButton text={`curl '${url}' -H "Authorization: Bearer $ADMIN_TOKEN"`} label="Copy as curl" />;
}

/** Says what is empty, and why. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

/** The class is for the tests, which wait until it is gone. */
export function Loading() {
  return (
    <p class="muted loading" role="status">
      Loading…
    </p>
  );
}

/** A list of names and values. */
export function Facts({ children }: { readonly children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>;
}

export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The heading of a view, and what can be done there. */
export function Heading({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Cronozen Edge`;
  }, [title]);
  return (
    <header class="heading">
      <h1 tabIndex={-1}>{title}</h1>
      <div class="actions">{children}</div>
    </header>
  );
}

interface ChoiceProps<Value> {
  readonly label: string;
  readonly options: readonly (readonly [value: Value, name: string])[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

/** Buttons of which one is pressed. */
export function Choice<Value extends string>({ label, options, value, onChange }: ChoiceProps<Value>) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map(([option, name]) => (
        <button
          key={option}
          type="button"
          aria-pressed={option === value}
          onClick={() => option !== value && onChange(option)}
        >
          {name}
        </button>
      ))}
    </fieldset>
  );
}

interface Column {
  readonly name: string;
  readonly class: string;
  /** Explains the name on hover. */
  readonly title?: string;
}

interface TableProps {
  readonly label: string;
  readonly columns: readonly (string | Column)[];
  readonly children: ComponentChildren;
}

/** A table that scrolls on its own when it is too wide. Columns of the class `wide` are left out in a small window. */
export function Table({ label, columns, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section class="scroll" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => {
              const { name, ...attributes } = typeof column === "string" ? { name: column } : column;
              return (
                <th key={name} scope="col" {...attributes}>
                  {name}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

interface PagerProps {
  /** The address of the first page, if this is another one. */
  readonly first?: string | undefined;
  /** The address of the next page, if there is one. */
  readonly next?: string | undefined;
}

export function Pager({ first, next }: PagerProps) {
  return first === undefined && next === undefined ? null : (
    <nav class="pager" aria-label="Pages">
      {first !== undefined && <a href={first}>Newest</a>}
      {next !== undefined && (
        <a href={next} rel="next">
          Older
        </a>
      )}
    </nav>
  );
}
