import { readFileSync } from "node:fs";

/*
 * The parts of Grafana's dashboard model that ours uses. Grafana's own types (@grafana/schema) check the file in test/chart:
 * https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
 */

/** Dashboard is a whole dashboard. */
export interface Dashboard {
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
}

export interface Panel {
  readonly id: number;
  readonly type: "row" | "stat" | "timeseries" | "table";
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: { readonly defaults: FieldDefaults; readonly overrides: readonly Override[] };
  readonly transformations?: readonly {
    readonly id: string;
    readonly options?: { readonly renameByName?: Readonly<Record<string, string>> };
  }[];
  readonly options?: {
    readonly sortBy?: readonly { readonly displayName: string; readonly desc: boolean }[];
    readonly colorMode?: "background" | "value" | "none";
    readonly graphMode?: "area" | "none";
  };
}

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly instant: boolean;
}

export interface FieldDefaults {
  readonly unit: string;
  readonly min?: number;
  readonly max?: number;
  readonly decimals?: number;
  readonly noValue?: string;
  readonly thresholds?: { readonly steps: readonly { readonly color: string; readonly value: number | null }[] };
  readonly mappings?: readonly {
    readonly type: "value";
    readonly options: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
  }[];
  readonly custom?: {
    readonly fillOpacity?: number;
    readonly drawStyle?: "line" | "bars";
    readonly stacking?: { readonly mode: "normal" | "none" };
  };
}

export interface Override {
  readonly matcher: { readonly id: "byName" | "byFrameRefID" | "byRegexp"; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}

/** readDashboard reads config/grafana. */
export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(new URL("../../config/grafana/getabako.json", import.meta.url), "utf8")) as Dashboard;
}

/** Variables are what Grafana would put into a query. */
export interface Variables {
  readonly namespace: string;
  readonly job: string;
  /** Of the whole picture, between two points, and between two scrapes. */
  readonly rangeSeconds: number;
  readonly stepSeconds: number;
  readonly scrapeSeconds: number;
}

/**
 * expand puts the variables into a query as Grafana does. $__rate_interval is the longer of four scrapes and of one scrape more than the
 * step: https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
 */
export function expand(expr: string, { namespace, job, rangeSeconds, stepSeconds, scrapeSeconds }: Variables): string {
  const rate = Math.max(stepSeconds + scrapeSeconds, 4 * scrapeSeconds);
  const expanded = expr
    .replaceAll("$__rate_interval", `${rate}s`)
    .replaceAll("$__range", `${rangeSeconds}s`)
    .replaceAll("$namespace", namespace)
    .replaceAll("$job", job);
  const [left] = /\$\w+/.exec(expanded) ?? [];
  if (left !== undefined) throw new Error(`nothing is known of ${left} in ${expr}`);
  return expanded;
}

/** legendOf is a series' name: {{label}} in the format stands for the label's value. */
export function legendOf(format: string, metric: Readonly<Record<string, string>>): string {
  return format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? "");
}
