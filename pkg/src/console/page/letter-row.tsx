// A row of the list of dead letters, and the state of one in words.

import type { Letter } from "../../consumer/letters.ts";
import { type Query, viewPath } from "./api.ts";
import { Badge, Id } from "./parts.tsx";
import { Time } from "./time.tsx";
import { tones, wordsOf } from "./words.ts";

interface RowProps {
  readonly letter: Letter;
  readonly filters: Query;
  readonly isSelected: boolean;
  readonly onSelect: (id: number, isSelected: boolean) => void;
}

export function LetterRow({ letter, filters, isSelected, onSelect }: RowProps) {
  const { id, eventId, type, reason, attempts, storedAt } = letter;
  return (
    <tr class={isSelected ? "selected" : ""}>
      <td class="check">
        <input
          type="checkbox"
          aria-label={`Select dead letter ${id}`}
          checked={isSelected}
          onChange={(event) => onSelect(id, event.currentTarget.checked)}
        />
      </td>
      <td>
        <a href={viewPath(`dead-letters/${id}`)}>
          <Time at={storedAt} />
        </a>
      </td>
      <td>
        {eventId === null ? (
          <span class="muted">no id</span>
        ) : (
          <Id value={eventId} href={viewPath("event", { id: eventId })} />
        )}
      </td>
      <td class="type">
        <FilterLink name="type" value={type} filters={filters} />
      </td>
      <td class="reason">
        <FilterLink name="reason" value={reason} filters={filters} />
      </td>
      <td class="number wide">{attempts ?? "–"}</td>
      <td>
        <LetterState letter={letter} />
      </td>
    </tr>
  );
}

interface FilterLinkProps {
  readonly name: "type" | "reason";
  readonly value: string | null;
  readonly filters: Query;
}

/** Shows only those of this type or reason. Those that have none cannot be chosen. */
function FilterLink({ name, value, filters }: FilterLinkProps) {
  if (value === null) {
    return <span class="muted">no {name}</span>;
  }
  return value === filters[name] ? (
    value
  ) : (
    <a class="by" href={viewPath("dead-letters", { ...filters, [name]: value })} title={`Show only this ${name}`}>
      {value}
    </a>
  );
}

export function LetterState({ letter: { state } }: { readonly letter: Letter }) {
  return <Badge tone={tones[state] ?? "quiet"}>{state === "redriven" ? "on its way" : wordsOf(state)}</Badge>;
}
