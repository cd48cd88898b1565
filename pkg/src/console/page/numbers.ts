// Numbers as texts.

const counts = new Intl.NumberFormat("en");

const units = ["bytes", "kB", "MB", "GB", "TB"];

/** Returns a count as `12,345`. */
export function formatCount(count: number): string {
  return counts.format(count);
}

/** Returns a count with its noun, as `1 dead letter` or `12,345 dead letters`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Returns a size as `117 kB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const size = bytes / 1000 ** power;
  return `${power > 0 && size < 10 ? size.toFixed(1) : formatCount(Math.floor(size))} ${units[power]}`;
}
