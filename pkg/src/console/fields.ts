// Checks the parameters of a request: those of the URL, or the fields of a JSON body.

import { plainTime } from "../consumer/time.ts";
import { isPlain } from "../kind.ts";
import { Problem } from "./problem.ts";

/** Returns the value, or undefined if it is of another kind. */
export type Kind<Value> = (value: unknown) => Value | undefined;

export type Kinds = Record<string, Kind<unknown>>;

/** The fields that were given. */
export type Fields<Known extends Kinds> = { [Name in keyof Known]?: Exclude<ReturnType<Known[Name]>, undefined> };

/** The rows of a list that is asked for without a limit. */
export const defaultLimit = 50;

/** An answer of this many rows is about 100 KB. */
export const maxLimit = 200;

/** A longer body holds no request of ours: 500 ids of up to 16 digits take 8.5 KB. */
const maxBodyBytes = 16_384;

/** A number that JavaScript can represent exactly has 15 digits, also as the text of a parameter. */
const digits = /^\d{1,15}$/;

export function integer(least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> {
  return (value) => {
    const number = typeof value === "string" && digits.test(value) ? Number(value) : value;
    return Number.isSafeInteger(number) && Number(number) >= least && Number(number) <= most
      ? Number(number)
      : undefined;
  };
}

export function text(most: number): Kind<string> {
  return (value) => (typeof value === "string" && value !== "" && value.length <= most ? value : undefined);
}

export function oneOf<Value extends string>(...values: readonly Value[]): Kind<Value> {
  return (value) => values.find((known) => known === value);
}

/** A time of RFC 3339, in the form in which times are stored. */
export const time: Kind<string> = (value) => {
  const isTime =
    typeof value === "string" && /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(value);
  return isTime ? plainTime(value) : undefined;
};

export const boolean: Kind<boolean> = (value) =>
  value === true || value === "true" ? true : value === false || value === "false" ? false : undefined;

export function integers(most: number): Kind<number[]> {
  return (value) =>
    Array.isArray(value) && value.length <= most && value.length > 0 && value.every((id) => integer(1)(id) === id)
      ? value
      : undefined;
}

/** Returns the parameters of a URL. */
export function parametersOf<Known extends Kinds>(url: URL, known: Known): Fields<Known> {
  const pairs = [...url.searchParams];
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) {
    throw new Problem(400, "invalid_parameter", "parameter given twice");
  }
  return checked(Object.fromEntries(pairs), known);
}

/** Returns the fields of a request's JSON body. */
export async function bodyOf<Known extends Kinds>(request: Request, known: Known): Promise<Fields<Known>> {
  const [type = ""] = (request.headers.get("content-type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json") {
    // A form of another site cannot send it.
    throw new Problem(415, "not_json", "body not JSON: send it with Content-Type: application/json");
  }
  let value: unknown;
  try {
    value = JSON.parse(await limitedText(request));
  } catch (error) {
    throw error instanceof Problem ? error : new Problem(400, "invalid_json", "body not valid JSON");
  }
  if (!isPlain(value)) {
    throw new Problem(400, "invalid_json", "body not a JSON object");
  }
  return checked(value, known);
}

async function limitedText(request: Request): Promise<string> {
  const reader = request.body?.getReader();
  // It removes a byte order mark.
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = 0; ; ) {
    const value = (await reader?.read())?.value;
    if (value === undefined) {
      return text + decoder.decode();
    }
    bytes += value.length;
    if (bytes > maxBodyBytes) {
      await reader?.cancel();
      throw new Problem(413, "body_too_large", `body over ${maxBodyBytes} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Refuses unknown fields: with a misspelt `dryRun`, a request would redrive. */
function checked<Known extends Kinds>(given: Record<string, unknown>, known: Known): Fields<Known> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) {
      throw new Problem(
        400,
        "invalid_parameter",
        `unknown parameter: expected ${Object.keys(known).join(", ") || "none"}`,
      );
    }
    const right = kind(value);
    if (right === undefined) {
      throw new Problem(400, "invalid_parameter", `invalid value of ${name}`);
    }
    fields[name] = right;
  }
  return fields as Fields<Known>;
}
