// A message, before a sink writes it in its own format.

/** The reason of a message: its incident has opened, is still open after a day, or has closed. */
export type AlertKind = "opened" | "repeated" | "closed";

/** A value that others have chosen, such as an event's type: on one line, and cut. */
export interface Detail {
  readonly name: string;
  readonly value: string;
}

export interface Message {
  readonly kind: AlertKind;
  readonly rule: string;
  /** The incident's id. */
  readonly incident: number;
  /** One sentence that says what is wrong. */
  readonly title: string;
  /** The figures, and what to do first. */
  readonly text: string;
  readonly details: readonly Detail[];
  /** When the message was due, as RFC 3339. */
  readonly at: string;
  readonly openedAt: string;
  /** The incident in the console; `null` without the option `console`. */
  readonly link: string | null;
}

/** A stored incident, and the message that is due for it. */
export interface Due {
  readonly kind: AlertKind;
  readonly incident: number;
  readonly rule: string;
  readonly title: string;
  readonly text: string;
  /** JSON. */
  readonly details: string;
  readonly dueAt: string;
  readonly openedAt: string;
}

/** A message is given up after a day of runs. The next one of its incident is tried as often. */
export const maxAttempts = 288;

const prefixes = { opened: "", repeated: "Still open: ", closed: "Closed: " };

/** The longest value, in characters. */
const maxCharacters = 120;

export function messageOf({ dueAt, details, ...due }: Due, console: string | undefined): Message {
  const isClosed = due.kind === "closed";
  return {
    kind: due.kind,
    rule: due.rule,
    incident: due.incident,
    title: prefixes[due.kind] + due.title,
    text: isClosed ? `It was open from ${due.openedAt} to ${dueAt}.` : due.text,
    details: isClosed ? [] : JSON.parse(details),
    at: dueAt,
    openedAt: due.openedAt,
    link: console === undefined ? null : `${console}/incidents/${due.incident}`,
  };
}

/**
 * Returns a detail on one line, without characters that are invisible or change the direction of others: a sender may have
 * chosen it.
 */
export function detailOf(name: string, value: string | null): Detail {
  const visible = (value ?? "null")
    // A cut before the patterns: a reason may be long.
    .slice(0, 10 * maxCharacters)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(/(\p{M}{2})\p{M}+/gu, "$1")
    .trim();
  const characters = [...visible];
  const cut = characters.length > maxCharacters ? `${characters.slice(0, maxCharacters - 1).join("")}…` : visible;
  return { name, value: cut };
}
