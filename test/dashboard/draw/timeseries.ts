import { last, type Line } from "../answers.ts";
import type { FieldDefaults, Panel } from "../dashboard.ts";
import { seriesColors } from "./colors.ts";
import { scaleOf } from "./scale.ts";
import { type Box, element, round, text, widthOf } from "./svg.ts";
import { formatValue } from "./units.ts";

const legendRow = 14;
const axisHeight = 16;

interface Drawn {
  readonly line: Line;
  readonly color: string;
  readonly tops: readonly (number | null)[];
  readonly bottoms: readonly (number | null)[];
}

/** drawTimeseries draws lines or stacked areas over the time, and a legend with the newest value and the largest. */
export function drawTimeseries(panel: Panel, lines: readonly Line[], times: readonly number[], box: Box): string {
  const { defaults, overrides = [] } = panel.fieldConfig ?? { defaults: { unit: "short" } };
  const shown = lines.filter((line) => last(line) !== undefined);
  const colors = seriesColors(
    shown.map(({ name }) => name),
    overrides,
  );
  const drawn = stack(shown, colors, defaults.custom?.stacking?.mode === "normal");
  const rows = Math.min(shown.length, Math.max(1, Math.floor((box.height * 0.45) / legendRow) - 1));
  const plot: Box = {
    x: box.x + 48,
    y: box.y + 6,
    width: box.width - 56,
    height: box.height - axisHeight - (rows + 1) * legendRow - 10,
  };
  const maximum = Math.max(0, ...drawn.flatMap(({ tops }) => tops.flatMap((value) => value ?? [])));
  const base = defaults.unit === "s" ? 60 : defaults.unit === "bytes" ? 1_024 : 10;
  const scale = scaleOf(defaults.max ?? (maximum === 0 ? 1 : maximum), plot.height > 90 ? 4 : 3, base);
  const x = (index: number): number => plot.x + (plot.width * index) / Math.max(1, times.length - 1);
  const y = (value: number): number => plot.y + plot.height * (1 - value / scale.max);
  const grid = scale.ticks.map(
    (tick) =>
      element("line", { x1: plot.x, x2: plot.x + plot.width, y1: y(tick), y2: y(tick), class: "grid" }) +
      text(formatValue(tick, defaults.unit), { x: plot.x - 5, y: y(tick) + 3.5, anchor: "end", size: 10 }, "t dim"),
  );
  const marks = clock(times).map(({ index, label }) =>
    text(label, { x: x(index), y: plot.y + plot.height + 13, anchor: "middle", size: 10 }, "t dim"),
  );
  const empty =
    shown.length === 0
      ? [text("No data", { x: plot.x + plot.width / 2, y: plot.y + plot.height / 2, anchor: "middle" }, "t dim")]
      : [];
  const fill = (defaults.custom?.fillOpacity ?? 0) / 100;
  return [
    ...grid,
    ...marks,
    ...empty,
    ...(defaults.custom?.drawStyle === "bars"
      ? drawn.map((one) => bars(one, x, y))
      : [
          ...drawn.toReversed().map((one) => area(one, x, y, fill)),
          ...drawn.map((one) => element("path", { d: path(one.tops, x, y), class: `l ${one.color}` })),
        ]),
    legend(shown, colors, defaults, rows, { ...box, y: box.y + box.height - (rows + 1) * legendRow }),
  ].join("");
}

function stack(lines: readonly Line[], colors: ReadonlyMap<string, string>, stacked: boolean): Drawn[] {
  let below: readonly number[] = [];
  return lines.map((line) => {
    const floor = below;
    const color = colors.get(line.name) ?? "c0";
    if (!stacked) return { line, color, tops: line.values, bottoms: line.values.map((value) => (value === null ? null : 0)) };
    const tops = line.values.map((value, index) => (value === null ? null : value + (floor[index] ?? 0)));
    const bottoms = line.values.map((value, index) => (value === null ? null : (floor[index] ?? 0)));
    below = line.values.map((value, index) => (value ?? 0) + (floor[index] ?? 0));
    return { line, color, tops, bottoms };
  });
}

/** Runs of points without a gap, as Grafana draws them. */
function runs(values: readonly (number | null)[]): (readonly [index: number, value: number])[][] {
  const found: (readonly [number, number])[][] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    if (index > 0 && values[index - 1] !== null && found.length > 0) found.at(-1)?.push([index, value]);
    else found.push([[index, value]]);
  }
  return found;
}

type Point = readonly [x: number, y: number];

/** Relative moves are half as long as absolute ones, and most of the file are points. */
function polyline(points: readonly Point[]): string {
  let [lastX, lastY] = [0, 0];
  return points
    .map(([atX, atY], index) => {
      const [nextX, nextY] = [round(atX), round(atY)];
      const move =
        index === 0 ? `M${nextX} ${nextY}` : `${index === 1 ? "l" : " "}${round(nextX - lastX)} ${round(nextY - lastY)}`;
      [lastX, lastY] = [nextX, nextY];
      return move;
    })
    .join("");
}

function path(values: readonly (number | null)[], x: (index: number) => number, y: (value: number) => number): string {
  return runs(values)
    .map((run) => {
      const points = level(run).map(([index, value]): Point => [x(index), y(value)]);
      // A single point would be no line at all.
      return polyline(points) + (points.length === 1 ? "h1" : "");
    })
    .join("");
}

/** A point on a level stretch adds nothing but bytes. */
function level(run: readonly Point[]): readonly Point[] {
  return run.filter(
    ([, value], at) => at === 0 || at === run.length - 1 || run[at - 1]?.[1] !== value || run[at + 1]?.[1] !== value,
  );
}

function area(
  { color, tops, bottoms }: Drawn,
  x: (index: number) => number,
  y: (value: number) => number,
  opacity: number,
): string {
  if (opacity === 0) return "";
  const d = runs(tops)
    .filter((run) => run.length > 1)
    .map((run) => {
      const upper = level(run).map(([index, value]): Point => [x(index), y(value)]);
      const below = level(run.map(([index]): Point => [index, bottoms[index] ?? 0]));
      const lower = below.toReversed().map(([index, value]): Point => [x(index), y(value)]);
      return `${polyline([...upper, ...lower])}z`;
    })
    .join("");
  return d === "" ? "" : element("path", { d, class: `a ${color}`, "fill-opacity": opacity });
}

/** Bars stand around their points and reach from the one below them to their own height. */
function bars({ color, tops, bottoms }: Drawn, x: (index: number) => number, y: (value: number) => number): string {
  const half = (x(1) - x(0)) * 0.4;
  const d = tops
    .map((value, index) => {
      const height = value === null ? 0 : y(bottoms[index] ?? 0) - y(value);
      return value === null || height <= 0
        ? ""
        : `M${round(x(index) - half)} ${round(y(value))}h${round(2 * half)}v${round(height)}h${round(-2 * half)}z`;
    })
    .join("");
  return d === "" ? "" : element("path", { d, class: `a ${color}` });
}

function legend(
  lines: readonly Line[],
  colors: ReadonlyMap<string, string>,
  { unit, decimals }: FieldDefaults,
  rows: number,
  box: Box,
): string {
  const right = box.x + box.width - 10;
  const value = (of: number): string => formatValue(of, unit, decimals);
  const facts = lines.map((line) => ({
    line,
    newest: line.values.at(-1) ?? undefined,
    most: Math.max(...line.values.map((one) => one ?? 0)),
  }));
  // As the panel sorts its legend; what does not fit is what was the least.
  const listed = facts.toSorted((a, b) => (b.newest ?? -1) - (a.newest ?? -1) || b.most - a.most).slice(0, rows);
  const columnOf = (values: readonly number[]): number => Math.max(24, ...values.map((one) => widthOf(value(one)))) + 16;
  const newestAt = right - columnOf(listed.map(({ most }) => most));
  const nameEnd = newestAt - columnOf(listed.flatMap(({ newest }) => newest ?? []));
  const header = [
    text("last", { x: newestAt, y: box.y + 9, anchor: "end", size: 10 }, "t dim"),
    text("max", { x: right, y: box.y + 9, anchor: "end", size: 10 }, "t dim"),
  ];
  const more =
    lines.length > rows ? [text(`and ${lines.length - rows} more`, { x: box.x + 10, y: box.y + 9, size: 10 }, "t dim")] : [];
  return [
    ...header,
    ...more,
    ...listed.flatMap(({ line, newest, most }, index) => {
      const y = box.y + (index + 1) * legendRow + 8;
      return [
        element("rect", { x: box.x + 10, y: y - 5, width: 10, height: 3, class: `f ${colors.get(line.name) ?? "c0"}` }),
        text(line.name, { x: box.x + 26, y, width: nameEnd - box.x - 26 }),
        // What is over has a largest value, and none at present.
        ...(newest === undefined ? [] : [text(value(newest), { x: newestAt, y, anchor: "end" })]),
        text(value(most), { x: right, y, anchor: "end" }),
      ];
    }),
  ].join("");
}

/** Marks on whole minutes since the beginning. */
function clock(times: readonly number[]): { readonly index: number; readonly label: string }[] {
  const [start = 0] = times;
  const every = (times.at(-1) ?? 0) - start > 240 ? 120 : 60;
  return times.flatMap((time, index) => {
    const seconds = Math.round(time - start);
    return seconds % every === 0 ? [{ index, label: `${seconds / 60}:00` }] : [];
  });
}
