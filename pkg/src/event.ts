// Events: their types, and the guard that narrows them.

/** The types of event that Cronozen documents. */
export const documentedTypes = [
  "dpu.sealed",
  "dpu.verified",
  "agent.decision.completed",
  "agent.approval.requested",
  "payment.completed",
  "payment.failed",
  "attendance.verified",
  "certificate.issued",
  "workflow.transitioned",
] as const;

/** A type of event that Cronozen documents. There will be others: never refuse an unknown one. */
export type KnownEventType = (typeof documentedTypes)[number];

/** Any type but the known ones, which the compiler still suggests in a `switch`. */
export type UnknownEventType = string & Record<never, never>;

/**
 * An event of one type. Only `eventId` has been checked. Cronozen documents neither the content of `data` nor the name of
 * the field with the type, so check what you use.
 */
export interface EventOf<Type extends string, Data = unknown> {
  /** The identity of the event: 1 to 256 bytes without control characters. Handle each id once. */
  readonly eventId: string;
  readonly type: Type;
  /** The time of the event, as RFC 3339. */
  readonly createdAt: string;
  /** The payload. Its type is your claim: see {@link CronozenEvent}. */
  readonly data: Data;
  readonly [field: string]: unknown;
}

/** The type of `data` in events of this type. */
export type DataOf<Payloads extends object, Type> = Type extends keyof Payloads ? Payloads[Type] : unknown;

/**
 * The value that `JSON.parse` returns for the verified body.
 *
 * `Payloads` maps types of event to the types of their `data`, as you know them: `{ "payment.completed": Payment }`.
 * Nothing checks them, and a misspelt type only leaves the `data` of the right one unknown. {@link is} narrows an event to
 * one type.
 */
export type CronozenEvent<Payloads extends object = Record<never, never>> =
  | EventsOf<Payloads, KnownEventType | (keyof Payloads & string)>
  | EventOf<UnknownEventType>;

/** The events of these types, one member for each. */
export type EventsOf<Payloads extends object, Type extends string> = Type extends string
  ? EventOf<Type, DataOf<Payloads, Type>>
  : never;

/** The types of event that the compiler knows by name: an object needs no field of the other ones. All, if it knows nothing. */
type NamedType<Event> = 0 extends 1 & Event
  ? string
  : Event extends { readonly type: infer Type extends string }
    ? Record<never, never> extends Record<Type, unknown>
      ? never
      : Type
    : never;

/** `Type`, or `never` if it is a union: no member of a union is all of it. */
type Single<Type, All = Type> = Type extends unknown ? ([All] extends [Type] ? Type : never) : never;

/** `Type` if it is one type. For a misspelt one, the compiler infers all that there are, and lists them in its error. */
type OneType<Type, All> = [Single<Type>] extends [never] ? ([All] extends [Type] ? All : never) : Type;

/**
 * Returns true if the event has this type, and narrows it: after `is(event, "payment.completed")`, `event.data` has the
 * type that the payload map gives it. A comparison of `event.type` does not narrow, because new types may come. It compares
 * {@link typeOf} the event, so it also works for an event whose type is in `event` or `eventType`.
 */
// `const` keeps the literal: without it, the compiler would infer `string`. A union would narrow the other branch wrongly.
export function is<Event extends { readonly type: string }, const Type extends NamedType<Event>>(
  event: Event,
  type: OneType<Type, NamedType<Event>>,
): event is Extract<Event, { readonly type: Type }> {
  return typeOf(event) === type;
}

/** The fields that may hold the type, in this order. */
const typeFields = ["type", "event", "eventType"];

/**
 * Returns the type of an event, if it has one: the first of `type`, `event` and `eventType` that is a string, as for the
 * gateway. Cronozen does not document which of them it is.
 */
export function typeOf(event: object): string | undefined {
  return typeFields.map((field) => ownField(event, field)).find((value) => typeof value === "string");
}

/** Returns an event's own field: someone may have extended the prototype of all objects. */
export function ownField(event: object, field: string): unknown {
  return Object.hasOwn(event, field) ? Reflect.get(event, field) : undefined;
}
