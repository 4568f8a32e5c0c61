import { openStatus } from "../../src/request/status.ts";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { bareRequest } from "../bare/bare-request.ts";
import type { RelaySettings } from "../bare/relay.ts";
import { startBare } from "../bare/start.ts";
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
 * and how many signed webhooks the operator takes at the same concurrency, each answered after its request is stored; and the same of a
 * process that does nothing but that.
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
  await using relay = await startBare("relay", relaySettings(stage));
  const poolOf = (url: string): Pool => new Pool(new URL(url).origin, { connections: concurrency });
  const operators = poolOf(operator.webhookUrl);
  const relays = poolOf(relay.webhookUrl);
  const webhook = async (pool: Pool, index: number): Promise<void> => {
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
  const figures: Record<string, number[]> = { post: [], patch: [], webhook: [], relay: [] };
  // The first round warms all of them up and does not count.
  for (let round = 0; round <= rounds; round++) {
    const post = perSecond(await inParallel(count, concurrency, (index) => bare(round, index)));
    const taken = perSecond(await inParallel(count, concurrency, (index) => webhook(operators, round * count + index)));
    const relayed = perSecond(await inParallel(count, concurrency, (index) => webhook(relays, round * count + index)));
    const patch = perSecond(await inParallel(count, concurrency, (index) => status(round, index)));
    const [postText, patchText, takenText, relayedText] = [post, patch, taken, relayed].map((each) => `${each.toFixed(0)}/s`);
    say(`round ${round}: POST ${postText}, status PATCH ${patchText}, webhooks ${takenText}, do-nothing relay ${relayedText}`);
    if (round === 0) continue;
    figures["post"]?.push(post);
    figures["patch"]?.push(patch);
    figures["webhook"]?.push(taken);
    figures["relay"]?.push(relayed);
  }
  await Promise.all([operators.close(), relays.close()]);
  const [post = 1, patch = 0, taken = 0, relayed = 1] = ["post", "patch", "webhook", "relay"].map((name) =>
    median(figures[name] ?? []),
  );
  return {
    figures: {
      "bare POST/s": post,
      "bare status PATCH/s": patch,
      "webhooks/s": taken,
      "webhooks/s, relay": relayed,
      "webhooks : bare POST": taken / post,
      "webhooks, relay : bare POST": relayed / post,
      "webhooks : relay": taken / relayed,
    },
    broken: [],
  };
}

function relaySettings({ controlPlane, world }: Stage): RelaySettings {
  const secret = world.teams[0]?.app.hook.secret;
  if (secret === undefined) throw new Error("a world without teams");
  return { kubeconfig: controlPlane.kubeconfig, token: controlPlane.adminToken ?? "", secret, path: requestsPath };
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
