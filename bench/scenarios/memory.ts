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
  const series: ReadonlySet<string>[] = [];
  for (let round = 0; round < rounds; round++) {
    await untilClean(stage, queueJobs(stage, perRound), 120_000, { kept: false });
    const page = await metricsOf(operator);
    heaps.push(sumOf(page, "nodejs_heap_size_used_bytes") / 2 ** 20);
    sizes.push(useOf(operator.pid).rssMiB);
    series.push(seriesOf(page));
    say(`round ${round + 1} of ${rounds}: RSS ${sizes.at(-1)?.toFixed(0)} MiB, ${series.at(-1)?.size} series`);
  }
  const third = rounds / 3;
  const early = series[third] ?? new Set();
  const late = series.at(-1) ?? new Set();
  const came = [...late].filter((each) => !early.has(each));
  const codes = came.filter((each) => each.startsWith(answers));
  for (const each of codes) say(`for the first time: ${each}`);
  return {
    figures: {
      "RSS early MiB": median(sizes.slice(third, 2 * third)),
      "RSS late MiB": median(sizes.slice(-third)),
      "heap early MiB": median(heaps.slice(third, 2 * third)),
      "heap late MiB": median(heaps.slice(-third)),
      "series early": early.size,
      "series late": late.size,
    },
    broken: [
      ...came.filter((each) => !each.startsWith(answers)).map((each) => `a series came late: ${each}`),
      ...(codes.length > mostAnswers ? [`${codes.length} answers came late: ${codes.slice(0, 20).join(" ")}`] : []),
    ],
  };
}

/** A first conflict, or any other answer of the API server that nobody had before: told when it comes, and only a few of them. */
const answers = "rest_client_requests_total{";
const mostAnswers = 5;

/** The names of a page's series, with their labels. */
function seriesOf(page: string): ReadonlySet<string> {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Set(lines.map((line) => line.slice(0, line.lastIndexOf(" "))));
}
