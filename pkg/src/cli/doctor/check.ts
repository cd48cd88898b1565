// The checks of `doctor`: small functions in named groups, which look at facts that were read before.

/** The result of one check. `--json` prints it. */
export interface Finding extends Verdict {
  /** The name of the check, which stays the same from version to version. */
  readonly code: string;
}

/** The statement of a check. */
export interface Verdict {
  readonly status: "ok" | "problem" | "unknown";
  /** One sentence, which names the failure first. */
  readonly message: string;
  /** The cure: a sentence, then lines to paste, if there are any. */
  readonly cure?: string;
}

/** A check. It returns nothing if it does not apply. */
export type Check<Facts> = (facts: Facts) => Verdict | undefined;

/** Checks of one part of a set-up, by their codes. */
export interface Group<Facts> {
  readonly name: string;
  readonly checks: Readonly<Record<string, Check<Facts>>>;
  /** Returns one line about this part, for people, if nothing is wrong with it. */
  readonly summary: (facts: Facts, findings: readonly Finding[]) => string;
}

/** A group and what its checks have found. */
export interface GroupResult {
  readonly name: string;
  readonly findings: readonly Finding[];
  readonly summary: string;
}

export function ok(message: string): Verdict {
  return { status: "ok", message };
}

export function problem(message: string, cure: string): Verdict {
  return { status: "problem", message, cure };
}

export function unknown(message: string, cure: string): Verdict {
  return { status: "unknown", message, cure };
}

/** Makes the checks of a group. */
export function examine<Facts>({ name, checks, summary }: Group<Facts>, facts: Facts): GroupResult {
  const findings = Object.entries(checks).flatMap(([code, check]) => {
    const verdict = check(facts);
    return verdict === undefined ? [] : [{ code, ...verdict }];
  });
  return { name, findings, summary: findings.some(({ status }) => status === "ok") ? summary(facts, findings) : "" };
}

/** Returns the first problem, or else the first unknown or the last ok verdict, of a check that is made for each item. */
export function each<Item>(items: readonly Item[], check: (item: Item) => Verdict | undefined): Verdict | undefined {
  const verdicts = items.map(check).filter((verdict) => verdict !== undefined);
  return (
    verdicts.find(({ status }) => status === "problem") ??
    verdicts.find(({ status }) => status === "unknown") ??
    verdicts.at(-1)
  );
}
