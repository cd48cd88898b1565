// A form whose values become the view's address.

import type { ComponentChildren, TargetedSubmitEvent } from "preact";
import { useContext } from "preact/hooks";
import { formatTime, type Zone, ZoneContext } from "./time.tsx";

interface FiltersProps {
  readonly label: string;
  /** Gets what was entered, by name; times as RFC 3339. */
  readonly onSubmit: (values: Readonly<Record<string, string>>) => void;
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
            ? timeOf(field.value, zone)
            : // An id may begin or end with a space, and is searched as it is.
              field.type === "search"
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

interface TimeFieldProps {
  readonly label: string;
  readonly name: string;
  /** As RFC 3339. */
  readonly value: string | undefined;
}

/** A field for a time, in the zone that the operator has chosen. */
export function TimeField({ label, name, value }: TimeFieldProps) {
  const zone = useContext(ZoneContext);
  const shown =
    value === undefined ? "" : formatTime(value, zone).slice(0, "2026-11-24 06:55".length).replace(" ", "T");
  return (
    <label>
      {label} {zone === "utc" && "(UTC)"}
      {/* Of a later year, there is no time of RFC 3339. */}
      <input type="datetime-local" name={name} max="9999-12-30T23:59" defaultValue={shown} key={shown} />
    </label>
  );
}

function timeOf(field: string, zone: Zone): string {
  return new Date(zone === "utc" ? `${field}Z` : field).toISOString();
}
