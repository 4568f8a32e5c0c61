/** Periods is a table of waiting times in milliseconds. */
export type Periods = Readonly<Record<string, number>>;

/**
 * scaled divides every waiting time of a table, so that a test sees in seconds what takes minutes in production: the same code in the
 * same order, only sooner. Times that others set (GitHub's and AWS' limits) do not belong into such a table.
 */
export function scaled<T extends Periods>(periods: T, divisor: number): T {
  return Object.fromEntries(Object.entries(periods).map(([name, ms]) => [name, ms / divisor])) as T;
}
