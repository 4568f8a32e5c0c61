import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { tryCommand } from "../cluster/run-command.ts";

/** Loose is a part of the dashboard in which a test may write anything. */
type Loose = Record<string, unknown>;

interface Panel extends Loose {
  type: string;
  options?: unknown;
  fieldConfig?: { defaults: Loose };
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const dashboard = JSON.parse(await readFile(join(root, "config/grafana/getabako.json"), "utf8")) as Loose & { panels: Panel[] };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "getabako-dashboard-schema-"));
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

const types = join(root, "node_modules/@grafana/schema/dist/types");
const optionTypes: Readonly<Record<string, string>> = { timeseries: "TimeSeries", stat: "Stat", table: "Table" };

/** What Grafana's own types say of a dashboard, panel by panel, since each kind of panel has options of its own. */
async function problems({ panels, ...rest }: typeof dashboard): Promise<readonly string[]> {
  const from = (names: string, path: string): string => `import type { ${names} } from ${JSON.stringify(join(types, path))};`;
  const lines = [
    from("Dashboard, Panel, RowPanel", "raw/dashboard/x/types.gen"),
    from("GraphFieldConfig, TableFieldOptions", "common/common.gen"),
    ...Object.entries(optionTypes).map(([kind, name]) =>
      from(`Options as ${name}`, `raw/composable/${kind}/panelcfg/x/types.gen`),
    ),
    // Enums are written as their values, and what has a default may be left out.
    "type Json<T> = T extends string ? `${T}` : T extends (infer U)[] ? Json<U>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;",
    "type Some<T> = { [K in keyof T]?: T[K] extends object ? Some<T[K]> : T[K] };",
    `export const dashboard: Json<Omit<Dashboard, "panels">> = ${JSON.stringify(rest)};`,
    ...panels.flatMap(({ options, ...panel }, index) => {
      if (panel.type === "row") return [`export const row${index}: Json<RowPanel> = ${JSON.stringify(panel)};`];
      const custom = panel.type === "table" ? "TableFieldOptions" : "GraphFieldConfig";
      return [
        `export const panel${index}: Json<Panel> = ${JSON.stringify(panel)};`,
        `export const options${index}: Some<Json<${optionTypes[panel.type]}>> = ${JSON.stringify(options)};`,
        `export const custom${index}: Some<Json<${custom}>> = ${JSON.stringify(panel.fieldConfig?.defaults["custom"] ?? {})};`,
      ];
    }),
  ];
  await writeFile(join(directory, "check.ts"), lines.join("\n"));
  const compiler = join(root, "node_modules/.bin/tsc");
  const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler"];
  const { stdout } = await tryCommand(process.execPath, [compiler, ...flags, "check.ts"], { cwd: directory });
  return stdout.split("\n").filter((line) => line.includes("error"));
}

it("is what Grafana's own types take", async () => {
  await expect(problems(dashboard)).resolves.toEqual([]);
});

it("would not be, with an option that its panel does not have or a value that it does not know", async () => {
  const changed = structuredClone(dashboard);
  const [stat] = changed.panels.filter(({ type }) => type === "stat");
  const [series] = changed.panels.filter(({ type }) => type === "timeseries");
  Object.assign(stat?.options as Loose, { colourMode: "background" });
  Object.assign(series?.fieldConfig?.defaults["custom"] as Loose, { drawStyle: "stripes" });
  const found = await problems(changed);
  expect(found).toHaveLength(2);
  expect(found.join("\n")).toMatch(/colourMode[\s\S]*"stripes"/);
});
