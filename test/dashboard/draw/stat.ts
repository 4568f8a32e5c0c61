import { last, type Line } from "../answers.ts";
import type { FieldDefaults, Panel } from "../dashboard.ts";
import { thresholdColor } from "./colors.ts";
import { type Box, element, round, text } from "./svg.ts";
import { formatValue } from "./units.ts";

/** drawStat draws one number on the colour of its threshold, with its course below where the panel wants it. */
export function drawStat(panel: Panel, lines: readonly Line[], box: Box): string {
  const defaults: FieldDefaults = panel.fieldConfig?.defaults ?? { unit: "short" };
  const [line] = lines;
  const value = line === undefined ? undefined : last(line);
  const shown = value === undefined ? (defaults.noValue ?? "No data") : mapped(panel, value);
  const color = value === undefined ? "none" : thresholdColor(value, defaults);
  const background = panel.options?.colorMode === "background";
  return [
    ...(background
      ? [element("rect", { x: box.x, y: box.y, width: box.width, height: box.height, rx: 3, class: `bg ${color}` })]
      : []),
    ...(line !== undefined && panel.options?.graphMode === "area" ? [course(line, box, background)] : []),
    text(panel.title, { x: box.x + 10, y: box.y + 18, width: box.width - 20, size: 12 }, background ? "t on" : "t"),
    text(
      shown,
      { x: box.x + box.width / 2, y: box.y + box.height * 0.66, anchor: "middle", size: shown.length > 8 ? 22 : 34 },
      background ? "t on big" : "t big",
    ),
  ].join("");
}

function mapped({ fieldConfig }: Panel, value: number): string {
  const { unit, decimals, mappings = [] }: FieldDefaults = fieldConfig?.defaults ?? { unit: "short" };
  return (
    mappings.map(({ options }) => options[String(value)]?.text).find((found) => found !== undefined) ??
    formatValue(value, unit, decimals)
  );
}

function course({ values }: Line, box: Box, background: boolean): string {
  const maximum = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const height = box.height * 0.3;
  const bottom = box.y + box.height;
  const points = values.map(
    (value, index) =>
      `${round(box.x + (box.width * index) / Math.max(1, values.length - 1))} ${round(bottom - (height * (value ?? 0)) / maximum)}`,
  );
  const d = `M${points.join("L")}L${round(box.x + box.width)} ${round(bottom)}L${round(box.x)} ${round(bottom)}Z`;
  return element("path", { d, class: background ? "course on" : "course" });
}
