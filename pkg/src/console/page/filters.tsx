// A form whose values become the view's address.

import type { ComponentChildren, TargetedSubmitEvent } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";
import { type Query, viewPath } from "./api.ts";
import { formatTime, useZoneName, type Zone, ZoneContext } from "./time.tsx";

interface FiltersProps {
  readonly label: string;
  /** Gets what was entered, by name; times as RFC 3339. */
  readonly onSubmit: (values: Query) => void;
  /** Gets true while the fields show something else than the address has. */
  readonly onEdited?: (isEdited: boolean) => void;
  readonly children: ComponentChildren;
}

export function Filters({ label, onSubmit, onEdited, children }: FiltersProps) {
  const zone = useContext(ZoneContext);
  const form = useRef<HTMLFormElement>(null);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(valuesOf(event.currentTarget, zone));
  };
  const look = () => {
    if (form.current !== null) {
      checkPeriod(form.current, zone);
      onEdited?.(fieldsOf(form.current).some(isEdited));
    }
  };
  // The address may have changed the fields.
  useEffect(look);
  return (
    <search>
      <form ref={form} class="filters" aria-label={label} onSubmit={submit} onInput={look}>
        {children}
      </form>
    </search>
  );
}

/** Shows the view without filters, if it has any. */
export function Clear({ view, query: { before: _, ...filters } }: { readonly view: string; readonly query: Query }) {
  return Object.keys(filters).length === 0 ? null : (
    <a class="button" href={viewPath(view)} onClick={(event) => event.currentTarget.closest("form")?.reset()}>
      Clear
    </a>
  );
}

type Field = HTMLInputElement | HTMLSelectElement;

function fieldsOf(form: HTMLFormElement): Field[] {
  return [...form.querySelectorAll<Field>("input, select")];
}

function valuesOf(form: HTMLFormElement, zone: Zone): Query {
  const given = fieldsOf(form).filter(({ value }) => value.trim() !== "");
  return Object.fromEntries(
    given.map((field) => [
      field.name,
      // A time has seconds that the field does not show, and a reason may have line breaks.
      !isEdited(field) && field.dataset.value !== undefined
        ? field.dataset.value
        : field.type === "datetime-local"
          ? timeOf(field.value, zone)
          : field.dataset.exact === "true"
            ? field.value
            : field.value.trim(),
    ]),
  );
}

function isEdited({ value, dataset: { shown = "" } }: Field): boolean {
  return value !== shown;
}

/** Refuses a period that ends before it begins, in which nothing can be found. */
function checkPeriod(form: HTMLFormElement, zone: Zone): void {
  const { from, to } = valuesOf(form, zone);
  const isEmpty = from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to);
  form
    .querySelector<HTMLInputElement>("[name=to]")
    ?.setCustomValidity(isEmpty ? "This must be later than the time in From." : "");
}

interface TextFieldProps {
  readonly label: string;
  readonly name: string;
  readonly value?: string | undefined;
  /** An id may begin or end with a space, and is searched as it is. */
  readonly isId?: boolean;
  readonly maxLength?: number;
  readonly size?: number;
  readonly placeholder?: string;
}

/** A field that begins anew when the address changes. */
export function TextField({ label, value, isId = false, maxLength = 320, ...field }: TextFieldProps) {
  return (
    <label>
      {label}
      <input
        {...field}
        type="search"
        maxLength={maxLength}
        defaultValue={value}
        key={value}
        autocomplete="off"
        data-exact={isId}
        data-value={value}
        data-shown={value?.replace(/[\r\n]/g, "")}
      />
    </label>
  );
}

interface SelectProps {
  readonly label: string;
  readonly name: string;
  readonly value: string | undefined;
  /** The name of the first option, which filters nothing. */
  readonly first?: string;
  readonly options: readonly (readonly [value: string, name: string])[];
}

/** An address may have a value that this console does not know, which is an option, too. */
export function Select({ label, name, value, first = "all", options }: SelectProps) {
  const isKnown = !value || options.some(([option]) => option === value);
  return (
    <label>
      {label}
      {/* Preact knows no `defaultValue` of a select, and would reset a `value` at each rendering. */}
      <select name={name} key={value} data-value={value} data-shown={value}>
        <option value="">{first}</option>
        {[...(isKnown ? [] : [[value, value] as const]), ...options].map(([option, text]) => (
          <option key={option} value={option} selected={option === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface TimeFieldProps {
  readonly label: string;
  readonly name: string;
  /** As RFC 3339. */
  readonly value: string | undefined;
}

/** A field for a time, in the zone that the operator has chosen. */
export function TimeField({ label, name, value }: TimeFieldProps) {
  const zone = useContext(ZoneContext);
  const zoneName = useZoneName();
  const shown = shownTime(value, zone);
  return (
    <label>
      {label} ({zoneName})
      <input
        type="datetime-local"
        name={name}
        max="9999-12-30T23:59"
        defaultValue={shown}
        key={`${shown} ${value}`}
        data-value={value}
        data-shown={shown}
      />
    </label>
  );
}

function shownTime(at: string | undefined, zone: Zone): string {
  return at === undefined ? "" : formatTime(at, zone).slice(0, "2026-11-24 06:55".length).replace(" ", "T");
}

function timeOf(field: string, zone: Zone): string {
  return new Date(zone === "utc" ? `${field}Z` : field).toISOString();
}
