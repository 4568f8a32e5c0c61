import { expand, legendOf, type Dashboard, type Panel, type Target, type Variables } from "./dashboard.ts";
import type { PrometheusServer, Sample, Series } from "./prometheus-server.ts";

/** Line is one series of a panel: a value for each point of the picture's time, null where there is none. */
export interface Line {
  readonly refId: string;
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** Answers are what Prometheus says to all of a dashboard's queries, by the panels' ids. */
export interface Answers {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: Readonly<Record<number, readonly Line[]>>;
}

/** Range is the time that is looked at, in seconds. */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** askAll evaluates every query of a dashboard, over a range or at its end, as the panel wants it. */
export async function askAll(
  dashboard: Dashboard,
  prometheus: PrometheusServer,
  range: Range,
  variables: Pick<Variables, "namespace" | "job" | "scrapeSeconds">,
): Promise<Answers> {
  const count = Math.floor((range.end - range.start) / range.step) + 1;
  const times = Array.from({ length: count }, (_, index) => range.start + index * range.step);
  const all = { ...variables, rangeSeconds: Math.round(range.end - range.start), stepSeconds: range.step };
  const ask = async (target: Target): Promise<Line[]> => {
    const query = expand(target.expr, all);
    const found = await (target.instant ? prometheus.query(query, range.end) : prometheus.queryRange(query, range));
    return found
      .map((series) => ({
        refId: target.refId,
        name: legendOf(target.legendFormat, series.metric),
        values: valuesAt(samplesOf(series), times, range.step),
      }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  };
  const lines: [number, Line[]][] = [];
  for (const { id, targets = [] } of dashboard.panels) {
    const answered: Line[] = [];
    for (const target of targets) answered.push(...(await ask(target)));
    lines.push([id, answered]);
  }
  return { times, lines: Object.fromEntries(lines) };
}

function samplesOf({ values, value }: Series): readonly Sample[] {
  return values ?? (value === undefined ? [] : [value]);
}

/** An instant's only sample belongs to the last point. */
function valuesAt(samples: readonly Sample[], times: readonly number[], step: number): (number | null)[] {
  const byIndex = new Map(
    samples.map(([seconds, value]) => [Math.round((seconds - (times[0] ?? 0)) / step), Number(value)] as const),
  );
  return times.map((_, index) => {
    const value = byIndex.get(index) ?? byIndex.get(index + (index === times.length - 1 ? 1 : 0));
    return value === undefined || !Number.isFinite(value) ? null : value;
  });
}

/** last is the newest value of a line, which is what Grafana calls lastNotNull. */
export function last({ values }: Pick<Line, "values">): number | undefined {
  return values.findLast((value) => value !== null) ?? undefined;
}

/** Silence is a query of a panel that had nothing to show, or a panel that showed nothing but zero. */
export interface Silence {
  readonly panel: string;
  /** Of the query; absent where the panel has data, all of it zero. */
  readonly refId?: string;
}

/** silencesIn lists what of a dashboard the answers leave empty. */
export function silencesIn(dashboard: Dashboard, { lines }: Answers): readonly Silence[] {
  return dashboard.panels.flatMap((panel) => (panel.type === "row" ? [] : silencesOf(panel, lines[panel.id] ?? [])));
}

function silencesOf({ title, targets = [] }: Panel, lines: readonly Line[]): Silence[] {
  const empty = targets.filter(({ refId }) => !lines.some((line) => line.refId === refId && last(line) !== undefined));
  const nothing = lines.every(({ values }) => values.every((value) => value === null || value === 0));
  return [
    ...empty.map(({ refId }) => ({ panel: title, refId })),
    ...(empty.length < targets.length && nothing ? [{ panel: title }] : []),
  ];
}
