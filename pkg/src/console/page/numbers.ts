// Numbers as texts.

const counts = new Intl.NumberFormat("en");

const units = ["bytes", "kB", "MB", "GB", "TB"];

/** Returns a count as `12,345`. */
export function formatCount(count: number): string {
  return counts.format(count);
}

/** Returns a count with its noun, as `1 dead letter` or `12,345 dead letters`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Returns a size as `117 kB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const size = bytes / 1000 ** power;
  return `${power > 0 && size < 10 ? size.toFixed(1) : formatCount(Math.floor(size))} ${units[power]}`;
}

/** Returns a time as `31 ms`, `4.2 s` or `2 h 14 min`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (ms < 1000) {
    return `${Math.max(0, Math.round(ms))} ms`;
  }
  if (seconds < 60) {
    return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0).replace(".0", "")} s`;
  }
  const [one, name, other, otherName] =
    seconds < 3600
      ? [60, "min", 1, "s"]
      : seconds < 86_400
        ? [3600, "h", 60, "min"]
        : ([86_400, "d", 3600, "h"] as const);
  const rest = Math.floor((seconds % one) / other);
  return `${Math.floor(seconds / one)} ${name}${rest === 0 ? "" : ` ${rest} ${otherName}`}`;
}
