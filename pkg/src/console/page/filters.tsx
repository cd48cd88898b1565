// A form whose values become the view's address.

import type { ComponentChildren, TargetedSubmitEvent } from "preact";
import { useContext } from "preact/hooks";
import type { Query } from "./api.ts";
import { formatTime, useZoneName, type Zone, ZoneContext } from "./time.tsx";

interface FiltersProps {
  readonly label: string;
  /** Gets what was entered, by name; times as RFC 3339. */
  readonly onSubmit: (values: Query) => void;
  readonly children: ComponentChildren;
}

export function Filters({ label, onSubmit, children }: FiltersProps) {
  const zone = useContext(ZoneContext);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values: Record<string, string> = {};
    for (const field of event.currentTarget.elements) {
      if ((field instanceof HTMLInputElement || field instanceof HTMLSelectElement) && field.value.trim() !== "") {
        values[field.name] =
          field.type === "datetime-local"
            ? // The field shows no seconds: a time that was not changed stays as it is.
              (field.value === shownTime(field.dataset.at, zone) && field.dataset.at) || timeOf(field.value, zone)
            : field.dataset.exact === "true"
              ? field.value
              : field.value.trim();
      }
    }
    onSubmit(values);
  };
  return (
    <search>
      <form class="filters" aria-label={label} onSubmit={submit}>
        {children}
      </form>
    </search>
  );
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
      <select name={name} key={value}>
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
        data-at={value}
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
