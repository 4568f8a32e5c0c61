import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { jobPayload } from "../../src/intake/test-objects.ts";
import { createHmac } from "node:crypto";

/** Sender is who the honest deliveries come from. */
export interface Sender {
  readonly appId: string;
  readonly secret: string;
  readonly repository: string;
}

/** HonestCount is what became of honest deliveries and probes. */
export interface HonestCount {
  /** Names of the requests that have to be stored. */
  readonly promised: string[];
  readonly latenciesMs: number[];
  /** Deliveries that were answered with anything but 202, or not at all; GitHub would call them failed. */
  readonly failed: (readonly [name: string, why: string])[];
  probes: number;
  readonly failedProbes: string[];
}

const everyMs = 25;
const probeEveryMs = 250;
/** GitHub waits 10 s and sends again; what is looked at here is whether an answer comes, since the machine may be busy. */
const patienceMs = 60_000;
/** A server that cannot reach the API server in time says 503 and is right to. */
const redeliveries = 5;

/**
 * sendHonestly delivers a job 40 times a second, each on a connection of its own as a sender that has none yet, and asks /readyz 4 times a
 * second, until the signal aborts; it resolves when all are answered.
 */
export async function sendHonestly(
  { webhookUrl, readyUrl }: { readonly webhookUrl: string; readonly readyUrl: string },
  sender: Sender,
  firstId: number,
  signal: AbortSignal,
): Promise<HonestCount> {
  const count: HonestCount = { promised: [], latenciesMs: [], failed: [], probes: 0, failedProbes: [] };
  const under: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let sent = 0; !signal.aborted; sent++) {
    under.push(deliver(webhookUrl, sender, firstId + sent, count));
    if (sent % (probeEveryMs / everyMs) === 0) under.push(probe(readyUrl, count));
    // By the clock, and not after the last one: a slow server is not spared.
    await sleep(Math.max(0, startedAt + (sent + 1) * everyMs - performance.now()));
  }
  await Promise.all(under);
  return count;
}

/** redeliver sends what failed again, one after the other as GitHub's own redeliveries come, and returns what failed for good. */
export async function redeliver(webhookUrl: string, sender: Sender, names: readonly string[]): Promise<string[]> {
  const lost: string[] = [];
  for (const name of names) {
    let status = "";
    for (let tries = 0; tries < redeliveries && !status.startsWith("2"); tries++) {
      ({ status } = await post(webhookUrl, sender, Number(name.slice("job-".length))));
    }
    if (!status.startsWith("2")) lost.push(name);
  }
  return lost;
}

async function deliver(url: string, sender: Sender, id: number, count: HonestCount): Promise<void> {
  const startedAt = performance.now();
  const { status } = await post(url, sender, id);
  count.latenciesMs.push(performance.now() - startedAt);
  if (status === "202") count.promised.push(`job-${id}`);
  else count.failed.push([`job-${id}`, status]);
}

async function post(url: string, { appId, secret, repository }: Sender, id: number): Promise<{ readonly status: string }> {
  const body = JSON.stringify({
    ...jobPayload({ job: { id }, repository: { full_name: repository } }),
    // The size of GitHub's own.
    filler: "x".repeat(9_000),
  });
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-github-event": "workflow_job",
    "x-github-delivery": `honest-${id}`,
    "x-github-hook-installation-target-type": "integration",
    "x-github-hook-installation-target-id": appId,
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
  };
  return await ask(url, { method: "POST", headers }, body);
}

async function probe(url: string, count: HonestCount): Promise<void> {
  count.probes += 1;
  const { status } = await ask(url, { method: "GET", headers: {} }, "");
  if (status !== "200") count.failedProbes.push(status);
}

/** ask sends a request on a connection of its own; the status is a word where there is no answer. */
export function ask(
  url: string,
  options: { readonly method: string; readonly headers: object },
  body: string,
): Promise<{ readonly status: string; readonly text: string }> {
  return new Promise((resolve) => {
    const call = request(url, { ...options, headers: { ...options.headers }, agent: false, timeout: patienceMs }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => (text += piece));
      response.on("end", () => resolve({ status: String(response.statusCode), text }));
      response.on("error", (error) => resolve({ status: error.message, text }));
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${patienceMs / 1_000} s`)));
    call.on("error", (error: NodeJS.ErrnoException) => resolve({ status: error.code ?? error.message, text: "" }));
    call.end(body);
  });
}
