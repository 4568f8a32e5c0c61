import type { Figures } from "./scenarios.ts";
import { spreadOf } from "./statistics.ts";

/** tableOf prints a scenario's figures: the median of its runs, and the least and the most where there were several. */
export function tableOf(name: string, about: string, runs: readonly Figures[]): string {
  const keys = [...new Set(runs.flatMap((figures) => Object.keys(figures)))];
  const rows = keys.map((key) => {
    const { median, least, most } = spreadOf(runs.flatMap((figures) => figures[key] ?? []));
    return [key, shown(median), runs.length > 1 ? `${shown(least)} to ${shown(most)}` : ""] as const;
  });
  const width = Math.max(...rows.map(([key]) => key.length));
  return [
    `${name}: ${about}`,
    ...rows.map(([key, value, range]) => `  ${key.padEnd(width)}  ${value.padStart(9)}  ${range}`.trimEnd()),
  ].join("\n");
}

function shown(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}
