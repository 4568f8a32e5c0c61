const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** What parseDurationMs accepts; src/api has the same pattern, so that the API server refuses anything else. */
const durationPattern = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$";

/**
 * parseDurationMs reads a duration such as `90s`, `1h30m` or `1.5h` and returns milliseconds.
 * The units are Go's, without micro- and nanoseconds, plus `d` for 24 hours.
 * @throws RangeError when the text is not a duration.
 */
export function parseDurationMs(text: string): number {
  if (!new RegExp(durationPattern).test(text)) {
    throw new RangeError(`"${text}" is not a duration; write for example 90s, 10m or 1h30m`);
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * unitMs[unit as keyof typeof unitMs];
  }
  return Math.round(total);
}

/** formatDuration renders milliseconds for people, with its two largest units: `1h30m`, `45s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  let rest = Math.round(ms / 1_000);
  const parts: string[] = [];
  for (const [unit, seconds] of [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0) parts.push(`${count}${unit}`);
    if (parts.length === 2) break;
  }
  return parts.join("");
}
