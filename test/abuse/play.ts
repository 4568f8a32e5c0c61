import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { sumOf } from "../../bench/prometheus.ts";
import { namespace, type Stage } from "../../bench/stage.ts";
import { quantile } from "../../bench/statistics.ts";
import { type OperatorProcess, startOperator } from "../support/operator.ts";
import { shippedNodeArgs } from "../support/shipped-options.ts";
import type { Order } from "./abuser.ts";
import type { AbuseName } from "./abuses.ts";
import type { Tally } from "./clients.ts";
import { ask, redeliver, type Sender, sendHonestly } from "./honest.ts";
import { connectionsTo, descriptors, peakRssMiB } from "./process.ts";

/** Seen is what an abuse did to an operator and to those who need it. */
export interface Seen {
  readonly abuse: AbuseName;
  readonly tally: Tally;
  readonly honest: {
    readonly sent: number;
    readonly failed: readonly (readonly [name: string, why: string])[];
    /** Failed also when they were sent again, or promised with 202 and not in the API server. */
    readonly lost: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly probes: number;
    readonly failedProbes: readonly string[];
  };
  readonly peakRssMiB: number;
  /** The longest that the event loop was held up. */
  readonly loopMaxMs: number;
  readonly loopP99Ms: number;
  readonly descriptorsBefore: number;
  readonly descriptorsAfter: number;
  /** Connections of clients that the operator still holds, a while after all of them have left. */
  readonly connectionsLeft: number;
  /** Lines that the operator wrote, without the one for each honest job. */
  readonly logLines: number;
  readonly seriesBefore: number;
  readonly seriesAfter: number;
  /** RunnerRequests that no honest sender asked for. */
  readonly unasked: number;
  readonly endedBy: number | undefined;
}

/** PlayOptions: the built program and the world. */
export interface PlayOptions {
  readonly entry: string;
  readonly directory: string;
  readonly stage: Stage;
  readonly seconds: number;
  readonly firstId: number;
}

/** Longer than the operator holds a connection on which nothing happens. */
const settleMs = 40_000;

const warmUpMs = 60_000;

/** play starts an operator of its own, with the heap that the chart gives it, and lets one abuse loose on it. */
export async function play(abuse: AbuseName, options: PlayOptions): Promise<Seen> {
  const { stage, directory, entry, seconds, firstId } = options;
  const team = stage.world.teams[0];
  const secret = team?.app.hook.secret;
  if (team === undefined || secret === undefined) throw new Error("a world without teams");
  const logFile = join(directory, `${abuse}.log`);
  const operator = await startOperator({
    entry,
    kubeconfig: stage.controlPlane.kubeconfig,
    namespace,
    nodeArgs: await shippedNodeArgs(),
    args: ["--watch-namespace", namespace, "--roles", "intake"],
    logFile,
  });
  try {
    const sender: Sender = { appId: String(team.app.id), secret, repository: team.repository };
    const urls = { webhookUrl: operator.webhookUrl, readyUrl: new URL("/readyz", operator.metricsUrl).href };
    await warmUp(urls.webhookUrl, sender, firstId);
    const portOf = (url: string): number => Number(new URL(url).port);
    const victim = { webhookPort: portOf(urls.webhookUrl), telemetryPort: portOf(urls.readyUrl), appId: sender.appId };
    const holds = (): number =>
      connectionsTo(operator.pid, victim.webhookPort) + connectionsTo(operator.pid, victim.telemetryPort);
    // The harness' own, from asking whether the operator is ready.
    const holdsBefore = holds();
    const before = await pageOf(operator);
    const descriptorsBefore = descriptors(operator.pid);
    const linesBefore = linesOf(logFile);

    const over = new AbortController();
    const sending = sendHonestly(urls, sender, firstId + 100, over.signal);
    const tally = await abused({ abuse, victim, seconds });
    over.abort();
    const honest = await sending;
    // Asked for right away: the delay of the event loop is measured from one look to the next.
    const after = await pageOf(operator);
    const connectionsLeft = await untilNone(() => (hasEnded(operator) ? 0 : Math.max(0, holds() - holdsBefore)));
    const again = honest.failed.map(([name]) => name);
    const lost = hasEnded(operator) ? again : await redeliver(urls.webhookUrl, sender, again);
    const stored = await storedFrom(stage, firstId);
    const asked = new Set([...honest.promised, ...again]);
    const ended = hasEnded(operator);
    return {
      abuse,
      tally,
      honest: {
        sent: honest.latenciesMs.length,
        failed: honest.failed,
        lost: lost.length + [...asked].filter((name) => !lost.includes(name) && !stored.has(name)).length,
        p50Ms: quantile(honest.latenciesMs, 0.5),
        p99Ms: quantile(honest.latenciesMs, 0.99),
        probes: honest.probes,
        failedProbes: honest.failedProbes,
      },
      peakRssMiB: ended ? Number.NaN : peakRssMiB(operator.pid),
      loopMaxMs: sumOf(after, "nodejs_eventloop_lag_max_seconds") * 1_000,
      loopP99Ms: sumOf(after, "nodejs_eventloop_lag_p99_seconds") * 1_000,
      descriptorsBefore,
      descriptorsAfter: ended ? 0 : descriptors(operator.pid),
      connectionsLeft,
      logLines: linesOf(logFile) - linesBefore,
      seriesBefore: seriesOf(before),
      seriesAfter: seriesOf(after),
      unasked: [...stored].filter((name) => !asked.has(name) && !isWarmUp(name, firstId)).length,
      endedBy: ended ? await operator.exited : undefined,
    };
  } finally {
    await operator.stop(30_000).catch(() => operator.kill());
  }
}

/** The first deliveries compile code, and one that comes before the App's secret was read is refused. */
async function warmUp(webhookUrl: string, sender: Sender, firstId: number): Promise<void> {
  const until = performance.now() + warmUpMs;
  for (let taken = 0; taken < 20; ) {
    if ((await redeliver(webhookUrl, sender, [`job-${firstId + taken}`])).length === 0) taken += 1;
    else if (performance.now() > until) throw new Error("the operator takes no webhooks");
    else await sleep(250);
  }
}

function isWarmUp(name: string, firstId: number): boolean {
  const id = Number(name.slice("job-".length));
  return id >= firstId && id < firstId + 100;
}

function abused(order: Order): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./abuser.ts", import.meta.url), { workerData: order });
    worker.once("message", (tally: Tally) => {
      resolve(tally);
      void worker.terminate();
    });
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the abuser ended with ${code} and without a word`)));
  });
}

/** On a connection that is closed at once, so that it is none of those that are counted. */
async function pageOf(operator: OperatorProcess): Promise<string> {
  return (await ask(operator.metricsUrl, { method: "GET", headers: {} }, "")).text;
}

async function untilNone(count: () => number): Promise<number> {
  const until = performance.now() + settleMs;
  let left = count();
  while (left > 0 && performance.now() < until) {
    await sleep(250);
    left = count();
  }
  return left;
}

/** Names of the requests that the API server has for the jobs of one play. */
async function storedFrom(stage: Stage, firstId: number): Promise<Set<string>> {
  const text = await stage.kubectl(["get", "runnerrequests", "-n", namespace, "-o", "name"]);
  const names = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("/").at(-1) ?? "");
  return new Set(names.filter((name) => Number(name.slice("job-".length)) >= firstId));
}

function hasEnded(operator: OperatorProcess): boolean {
  try {
    process.kill(operator.pid, 0);
    return false;
  } catch {
    return true;
  }
}

/** Without the line of each honest job. */
function linesOf(file: string): number {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.includes('"msg":"created runner request"')).length;
}

function seriesOf(page: string): number {
  return page.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
}
