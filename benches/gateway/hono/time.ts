// Time limits.

/** The result of `within` if the promise takes too long. */
export const late = Symbol("late");

/** Returns the promise's result, or `late` if it takes longer. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | typeof late> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const limit = new Promise<typeof late>((resolve) => {
    timer = setTimeout(resolve, ms, late);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Converts an RFC 3339 time to milliseconds. Returns `undefined` for other text. */
export function parseTime(text: string | undefined) {
  if (text === undefined || !rfc3339.test(text)) {
    return undefined;
  }
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** Returns a platform's error as one line, without its stack. */
export function describe(error: unknown) {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.split("\n", 1)[0]?.slice(0, 200) ?? "";
}
