import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../cluster/free-port.ts";
import { startGuarded } from "../cluster/guard.ts";
import { installPrometheus } from "../cluster/prometheus.ts";
import { until } from "../support/until.ts";

/** Sample is a value at a time in seconds; Prometheus writes numbers as text, NaN and infinity among them. */
export type Sample = readonly [seconds: number, value: string];

/** Series is one series of an answer: a range of samples, or a single one. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: readonly Sample[];
  readonly value?: Sample;
}

/** RuleState is what Prometheus says of an alert. */
export interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly state: string;
  readonly lastError?: string;
}

/** PrometheusServer is a running Prometheus. */
export interface PrometheusServer extends AsyncDisposable {
  readonly url: string;
  query(promql: string, atSeconds: number): Promise<readonly Series[]>;
  queryRange(
    promql: string,
    range: { readonly start: number; readonly end: number; readonly step: number },
  ): Promise<readonly Series[]>;
  rules(): Promise<readonly RuleState[]>;
}

/** PrometheusOptions say what is scraped, with which labels, and which rules are evaluated. */
export interface PrometheusOptions {
  readonly directory: string;
  readonly scrapeSeconds: number;
  readonly target: URL;
  readonly labels: Readonly<Record<string, string>>;
  readonly rules: object;
  readonly report: (line: string) => void;
}

/** startPrometheus starts the real server on a free port, with one target. */
export async function startPrometheus(options: PrometheusOptions): Promise<PrometheusServer> {
  const { prometheus } = await installPrometheus(options.report);
  const { directory, scrapeSeconds, target, labels, rules } = options;
  await mkdir(directory, { recursive: true });
  const every = `${scrapeSeconds}s`;
  const config = {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: ["rules.json"],
    scrape_configs: [
      // As the chart's monitors name what they scrape.
      { job_name: labels["job"], metrics_path: target.pathname, static_configs: [{ targets: [target.host], labels }] },
    ],
  };
  // JSON is YAML.
  await writeFile(join(directory, "prometheus.yaml"), JSON.stringify(config));
  await writeFile(join(directory, "rules.json"), JSON.stringify(rules));
  const address = `127.0.0.1:${await freePort()}`;
  const flags = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", `--web.listen-address=${address}`];
  const server = await startGuarded([prometheus, ...flags], {
    log: join(directory, "prometheus.log"),
    cwd: directory,
    env: { PATH: process.env["PATH"] },
  });
  const ask = async <T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> => {
    const url = `http://${address}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(20_000) });
    const body = (await answer.json()) as { status: string; data: T; error?: string };
    if (body.status !== "success") throw new Error(`Prometheus: ${body.error}: ${parameters["query"] ?? path}`);
    return body.data;
  };
  try {
    await until("Prometheus is ready", 60_000, async () => {
      if (server.hasExited) throw new Error(`it ended; its log is in ${directory}`);
      const { status } = await fetch(`http://${address}/-/ready`, { signal: AbortSignal.timeout(2_000) });
      if (status !== 200) throw new Error(`status ${status}`);
    });
  } catch (error) {
    await server.kill();
    throw error;
  }
  return {
    url: `http://${address}`,
    query: async (query, atSeconds) =>
      (await ask<{ result: readonly Series[] }>("query", { query, time: String(atSeconds) })).result,
    queryRange: async (query, { start, end, step }) => {
      const parameters = { query, start: String(start), end: String(end), step: String(step) };
      return (await ask<{ result: readonly Series[] }>("query_range", parameters)).result;
    },
    rules: async () =>
      (await ask<{ groups: readonly { rules: readonly RuleState[] }[] }>("rules")).groups.flatMap((group) => group.rules),
    [Symbol.asyncDispose]: () => server.kill(),
  };
}
