import { onTestFinished } from "vitest";
import { type GitHubClient, type GitHubOptions, createGitHub } from "../../src/github/client.ts";
import { GitHubMetrics } from "../../src/github/metrics.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { Registry } from "../../src/telemetry/metrics.ts";
import { type Clock, systemClock } from "../../src/util/clock.ts";
import type { GitHubSimOptions } from "../sim/github/options.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import { type CapturedLog, captureLog } from "../support/capture-log.ts";

/** Bench is a GitHub of one test's own with an organisation, a repository, and a client of its App. */
export interface Bench {
  readonly sim: GitHubSim;
  readonly github: GitHubClient;
  readonly log: CapturedLog;
  readonly registry: Registry;
  /** The waits between tries, which the tests do not sit through. */
  readonly slept: readonly number[];
  /** Another client of the same App, with a memory of its own. */
  readonly client: (options?: Partial<GitHubOptions>) => GitHubClient;
  /** How many requests, as `METHOD /path`, have reached GitHub so far, hurt ones included. */
  readonly calls: (request: RegExp) => number;
  /** A sample of the client's metrics; 0 when there is none. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>;
}

/** startBench starts one and takes it down after the test. */
export async function startBench(
  options: { sim?: GitHubSimOptions; client?: Partial<GitHubOptions>; clock?: Clock } = {},
): Promise<Bench> {
  const clock = options.clock ?? systemClock;
  const sim = await startGitHubSim({ clock, ...options.sim });
  onTestFinished(() => sim.close());
  sim.addOrganization("acme");
  sim.addRepository("acme/web");
  const log = captureLog();
  const registry = new Registry();
  const metrics = new GitHubMetrics(registry);
  const slept: number[] = [];
  const client = (more: Partial<GitHubOptions> = {}): GitHubClient => {
    const github = createGitHub({
      webUrl: sim.url,
      appId: sim.app.id,
      privateKey: sim.app.keys[0]?.privateKey ?? "",
      clock,
      log: createLogger({ level: "trace", destination: log.destination }),
      metrics,
      env: {},
      sleep: (ms, signal) => {
        signal.throwIfAborted();
        slept.push(ms);
        return Promise.resolve();
      },
      ...options.client,
      ...more,
    });
    onTestFinished(() => github.close());
    return github;
  };
  return {
    sim,
    github: client(),
    log,
    registry,
    slept,
    client,
    calls: (request) => sim.requests().filter(({ method, path }) => request.test(`${method} ${path}`)).length,
    async metric(name, labels = {}) {
      const metric = await registry.getSingleMetric(name)?.get();
      const sample = metric?.values.find((value) =>
        Object.entries(labels).every(([key, wanted]) => value.labels[key] === wanted),
      );
      return sample?.value ?? 0;
    },
  };
}
