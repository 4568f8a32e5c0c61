import type { Answers, Line } from "../answers.ts";
import type { Dashboard, Panel } from "../dashboard.ts";
import { drawStat } from "./stat.ts";
import { styles } from "./styles.ts";
import { type Box, element, text } from "./svg.ts";
import { drawTable } from "./table.ts";
import { drawTimeseries } from "./timeseries.ts";

const width = 1_200;
const margin = 8;
const gap = 8;
/** Grafana's grid has 24 columns; a row of it is 30 pixels high there. */
const columnWidth = (width - 2 * margin + gap) / 24;
const rowHeight = 30;
const top = 74;
const headHeight = 26;

/** Notes are what stands around the panels. */
export interface Notes {
  readonly subtitle: readonly string[];
  /** Columns of lines. */
  readonly footer: readonly (readonly string[])[];
}

/** drawDashboard draws all panels where the dashboard has them, in one SVG that follows the reader's colour scheme. */
export function drawDashboard(dashboard: Dashboard, { times, lines }: Answers, notes: Notes): string {
  const rows = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const footer = top + rows * rowHeight + 14;
  const height = footer + Math.max(0, ...notes.footer.map((column) => column.length)) * 17 + 6;
  return `${element(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "font-family": fonts },
    element("title", {}, `The dashboard ${dashboard.title}, with data`),
    element("style", {}, styles),
    element("rect", { width, height, class: "page" }),
    text(dashboard.title, { x: margin + 4, y: 26, size: 20 }, "t bold"),
    ...notes.subtitle.map((line, index) => text(line, { x: margin + 4, y: 46 + index * 16, size: 12 }, "t dim")),
    ...dashboard.panels.map((panel) => element("g", {}, drawPanel(panel, lines[panel.id] ?? [], times))),
    ...notes.footer.flatMap((column, at) =>
      column.map((line, index) =>
        text(line, { x: margin + 4 + (at * width) / notes.footer.length, y: footer + 10 + index * 17, size: 12 }, "t dim"),
      ),
    ),
  )}\n`;
}

const fonts = "Inter, system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

function drawPanel(panel: Panel, lines: readonly Line[], times: readonly number[]): string {
  const { x, y, w, h } = panel.gridPos;
  const box: Box = {
    x: margin + x * columnWidth,
    y: top + y * rowHeight,
    width: w * columnWidth - gap,
    height: h * rowHeight - gap,
  };
  const body: Box = { ...box, y: box.y + headHeight, height: box.height - headHeight };
  const frame = element("rect", { ...box, rx: 3, class: "panel" });
  const title = text(panel.title, { x: box.x + 10, y: box.y + 18, width: box.width - 20, size: 12 }, "t bold");
  switch (panel.type) {
    case "row":
      return text(`⌄ ${panel.title}`, { x: box.x + 2, y: box.y + 17, size: 14 }, "t bold");
    case "stat":
      return frame + drawStat(panel, lines, box);
    case "table":
      return frame + title + drawTable(panel, lines, body);
    case "timeseries":
      return frame + title + drawTimeseries(panel, lines, times, body);
    default:
      return panel.type satisfies never;
  }
}
