import { newRequest } from "../../src/request/testing.ts";
import { openStatus } from "../../src/request/status.ts";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { queueJobs, untilTrue } from "../jobs.ts";
import { inParallel } from "../raw-api.ts";
import type { Outcome } from "../scenarios.ts";
import { requestsPath, type Stage } from "../stage.ts";
import { median } from "../statistics.ts";
import { Pool } from "undici";

/** How many calls are under way at a time, for the bare writes and for the webhooks alike. */
const concurrency = 16;
const rounds = 5;

/**
 * floor measures in turns what the API server takes from one client with nothing around it (POST and status PATCH of a RunnerRequest),
 * and how many signed webhooks the operator takes at the same concurrency, each answered after its request is stored.
 */
export async function floor(stage: Stage, say: (line: string) => void): Promise<Outcome> {
  const count = stage.scale(500);
  // A target without slots: requests are made and nothing is launched, as with the bare writes.
  const operator = await stage.startOperator(["--roles", "intake"]);
  await stage.applyObjects({ maxRunners: 0, wait: false });
  await untilTrue("the operator to know the App", 30_000, async () => {
    await stage.world.github.sendExample(0);
    return stage.world.github.webhooks.log.list().some(({ statusCode }) => statusCode < 300);
  });
  const deliveries = await captureDeliveries(stage, count * (rounds + 1));
  const pool = new Pool(new URL(operator.webhookUrl).origin, { connections: concurrency });
  const webhook = async (index: number): Promise<void> => {
    const delivery = deliveries[index];
    if (delivery === undefined) throw new Error("too few deliveries were captured");
    const { statusCode, body } = await pool.request({
      method: "POST",
      path: "/webhook",
      headers: delivery.headers,
      body: delivery.body,
    });
    const text = await body.text();
    if (statusCode !== 202) throw new Error(`a webhook was answered with ${statusCode}: ${text}`);
  };
  const bare = async (round: number, index: number): Promise<void> => {
    await stage.api.send("POST", requestsPath, bareRequest(`job-9${round}${String(index).padStart(6, "0")}`));
  };
  const status = async (round: number, index: number): Promise<void> => {
    const name = `job-9${round}${String(index).padStart(6, "0")}`;
    await stage.api.send("PATCH", `${requestsPath}/${name}/status`, { status: openStatus(bareRequest(name), Date.now()) });
  };
  const perSecond = (ms: number): number => (count / ms) * 1_000;
  const figures: Record<string, number[]> = { post: [], patch: [], webhook: [] };
  // The first round warms all three up and does not count.
  for (let round = 0; round <= rounds; round++) {
    const post = perSecond(await inParallel(count, concurrency, (index) => bare(round, index)));
    const taken = perSecond(await inParallel(count, concurrency, (index) => webhook(round * count + index)));
    const patch = perSecond(await inParallel(count, concurrency, (index) => status(round, index)));
    say(`round ${round}: POST ${post.toFixed(0)}/s, status PATCH ${patch.toFixed(0)}/s, webhooks ${taken.toFixed(0)}/s`);
    if (round === 0) continue;
    figures["post"]?.push(post);
    figures["patch"]?.push(patch);
    figures["webhook"]?.push(taken);
  }
  await pool.close();
  const [post, patch, taken] = ["post", "patch", "webhook"].map((name) => median(figures[name] ?? []));
  return {
    figures: {
      "bare POST/s": post ?? 0,
      "bare status PATCH/s": patch ?? 0,
      "webhooks/s": taken ?? 0,
      "webhooks : bare POST": (taken ?? 0) / (post ?? 1),
    },
    broken: [],
  };
}

interface Captured {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Jobs are queued at the simulated GitHub, and what it sends goes to a server of ours, to be sent on later. */
async function captureDeliveries(stage: Stage, count: number): Promise<Captured[]> {
  const captured: Captured[] = [];
  const sink = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(
          (header): header is [string, string] =>
            typeof header[1] === "string" && /^(x-|content-type|user-agent)/.test(header[0]),
        ),
      );
      captured.push({ headers, body: Buffer.concat(chunks).toString("utf8") });
      response.writeHead(202).end();
    });
  });
  sink.listen(0, "127.0.0.1");
  await once(sink, "listening");
  const { app } = stage.world.github;
  const before = [...app.hook.receivers];
  stage.world.github.setReceivers([`http://127.0.0.1:${(sink.address() as AddressInfo).port}/`]);
  for (let queued = 0; queued < count; queued += 200) {
    queueJobs(stage, Math.min(200, count - queued));
    await untilTrue("the deliveries to be captured", 60_000, () => captured.length >= Math.min(queued + 200, count));
  }
  stage.world.github.setReceivers(before);
  sink.close();
  return captured;
}

function bareRequest(name: string) {
  const { metadata, ...rest } = newRequest({ name, job: { id: name.slice(4) } });
  const { uid: _uid, generation: _generation, creationTimestamp: _created, ...own } = metadata;
  return { ...rest, metadata: own };
}
