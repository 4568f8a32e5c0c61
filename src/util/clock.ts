/** Clock tells the time; injected wherever a decision depends on it, so that tests move time instead of waiting. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** systemClock is the machine's wall clock. */
export const systemClock: Clock = { now: () => Date.now() };

/** isoTime renders a moment as Kubernetes' metav1.Time does: RFC 3339, UTC, whole seconds. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
