import { queueJobs, untilClean } from "../jobs.ts";
import { metricsOf } from "../meter.ts";
import { useOf } from "../process-use.ts";
import { sumOf } from "../prometheus.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { median } from "../statistics.ts";

/** How much the operator's times are shortened, so that finished requests leave and sweeps turn as in a day. */
const divisor = 240;
const rounds = 12;

/** memory plays bursts one after the other in one process and watches what stays: memory, and the number of series. */
export async function memory(stage: Stage, say: (line: string) => void): Promise<Outcome> {
  const perRound = stage.scale(300);
  const operator = await stage.startOperator(["--time-divisor", String(divisor)]);
  await stage.applyObjects({ history: "2s" });
  const heaps: number[] = [];
  const sizes: number[] = [];
  const series: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await untilClean(stage, queueJobs(stage, perRound), 120_000, { kept: false });
    const page = await metricsOf(operator);
    heaps.push(sumOf(page, "nodejs_heap_size_used_bytes") / 2 ** 20);
    sizes.push(useOf(operator.pid).rssMiB);
    series.push(page.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length);
    say(`round ${round + 1} of ${rounds}: RSS ${sizes.at(-1)?.toFixed(0)} MiB, ${series.at(-1)} series`);
  }
  const third = rounds / 3;
  const early = series[third] ?? 0;
  const late = series.at(-1) ?? 0;
  return {
    figures: {
      "RSS early MiB": median(sizes.slice(third, 2 * third)),
      "RSS late MiB": median(sizes.slice(-third)),
      "heap early MiB": median(heaps.slice(third, 2 * third)),
      "heap late MiB": median(heaps.slice(-third)),
      "series early": early,
      "series late": late,
    },
    // A label value from a closed list may come late for the first time.
    broken: late > 1.01 * early ? [`${late} series at the end, ${early} after a third`] : [],
  };
}
