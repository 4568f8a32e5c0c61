/** quantile reads a quantile off a list of numbers, 0 for an empty one; source: the nearest-rank method. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? 0;
}

/** median is the middle of a list of numbers. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Spread is what several runs measured. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** spreadOf sums several runs up. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}
