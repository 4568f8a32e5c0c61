import { last, type Line } from "../answers.ts";
import type { FieldDefaults, Override, Panel } from "../dashboard.ts";
import { matches, thresholdColor } from "./colors.ts";
import { type Box, element, text } from "./svg.ts";
import { formatValue } from "./units.ts";

const rowHeight = 22;

interface Column {
  readonly refId: string;
  readonly title: string;
  readonly defaults: FieldDefaults;
  readonly colored: boolean;
}

/** drawTable draws a row for each name that the queries have in common, and a column for each query: Grafana's "merge". */
export function drawTable(panel: Panel, lines: readonly Line[], box: Box): string {
  const columns = (panel.targets ?? []).map((target): Column => column(panel, target.refId));
  // The one label that the queries keep, under the name that the panel gives it.
  const label = /\{\{(\w+)\}\}/.exec(panel.targets?.[0]?.legendFormat ?? "")?.[1] ?? "";
  const sorted = sortBy(panel, columns);
  const rows = Map.groupBy(
    lines.filter((line) => last(line) !== undefined),
    ({ name }) => name,
  );
  const cells = [...rows].map(([name, of]) => ({
    name,
    values: columns.map(({ refId }) => {
      const line = of.find((candidate) => candidate.refId === refId);
      return line === undefined ? undefined : last(line);
    }),
  }));
  const ordered = cells.toSorted((a, b) => (b.values[sorted] ?? 0) - (a.values[sorted] ?? 0));
  const fits = Math.max(1, Math.floor(box.height / rowHeight) - 1);
  const right = (index: number): number => box.x + box.width - 12 - (columns.length - 1 - index) * 92;
  const header = [
    text(namesOf(panel)[label] ?? label, { x: box.x + 12, y: box.y + 15, size: 10 }, "t dim"),
    ...columns.map(({ title }, index) => text(title, { x: right(index), y: box.y + 15, anchor: "end", size: 10 }, "t dim")),
  ];
  const body = ordered.slice(0, fits).flatMap(({ name, values }, index) => {
    const y = box.y + (index + 1) * rowHeight;
    return [
      element("line", { x1: box.x + 8, x2: box.x + box.width - 8, y1: y, y2: y, class: "grid" }),
      text(name, { x: box.x + 12, y: y + 15, width: right(0) - box.x - 70, size: 13 }, "t bold"),
      ...columns.map(({ defaults, colored }, at) => {
        const value = values[at];
        const shown = value === undefined ? "" : formatValue(value, defaults.unit, defaults.decimals);
        const color = colored && value !== undefined ? ` ${thresholdColor(value, defaults)}` : "";
        return text(shown, { x: right(at), y: y + 15, anchor: "end", size: 13 }, `t bold${color}`);
      }),
    ];
  });
  const none =
    ordered.length === 0
      ? [text("Nothing waits", { x: box.x + box.width / 2, y: box.y + box.height / 2, anchor: "middle", size: 13 }, "t dim")]
      : [];
  return [...header, ...body, ...none].join("");
}

/** What the panel says of a query's values. */
function column(panel: Panel, refId: string): Column {
  const { fieldConfig } = panel;
  const field = `Value #${refId}`;
  const title = namesOf(panel)[field] ?? field;
  const own = (fieldConfig?.overrides ?? [])
    .filter(({ matcher }: Override) => matches(matcher, title))
    .flatMap(({ properties }) => properties);
  const property = <T>(id: string): T | undefined => own.find((candidate) => candidate.id === id)?.value as T | undefined;
  const base = fieldConfig?.defaults ?? { unit: "short" };
  const decimals = property<number>("decimals") ?? base.decimals;
  const thresholds = property<FieldDefaults["thresholds"]>("thresholds") ?? base.thresholds;
  return {
    refId,
    title,
    colored: property<{ type: string }>("custom.cellOptions")?.type === "color-text",
    defaults: {
      unit: property<string>("unit") ?? base.unit,
      ...(decimals !== undefined && { decimals }),
      ...(thresholds !== undefined && { thresholds }),
    },
  };
}

function namesOf({ transformations = [] }: Panel): Readonly<Record<string, string>> {
  return transformations.find(({ id }) => id === "organize")?.options?.renameByName ?? {};
}

function sortBy({ options }: Panel, columns: readonly Column[]): number {
  const wanted = options?.sortBy?.[0]?.displayName;
  return Math.max(
    0,
    columns.findIndex(({ title }) => title === wanted),
  );
}
