/** Periods is a table of waiting times in milliseconds. */
export type Periods = Readonly<Record<string, number>>;

/**
 * scaled divides every waiting time of a table, so that a test sees in seconds what takes minutes in production: the same code in the
 * same order, only sooner. Times that others set (GitHub's and AWS' limits) do not belong into such a table. Nothing becomes less than
 * a millisecond, which timers would take for "at once, for ever".
 */
export function scaled<T extends Periods>(periods: T, divisor: number): T {
  if (!(divisor >= 1)) throw new RangeError(`periods cannot be divided by ${divisor}`);
  return Object.fromEntries(Object.entries(periods).map(([name, ms]) => [name, Math.max(1, Math.round(ms / divisor))])) as T;
}
