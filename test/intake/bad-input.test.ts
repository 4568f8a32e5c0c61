import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { jobPayload } from "../../src/intake/test-objects.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Delivery, newWorld, type Receiver, sign } from "./harness.ts";

const cluster = testCluster();
const mebibyte = 1024 * 1024;

interface Case {
  readonly name: string;
  readonly delivery: Delivery;
  readonly status: number;
  readonly reason: RegExp;
}

const cases: readonly Case[] = [
  {
    name: "no signature",
    delivery: { headers: { "x-hub-signature-256": null } },
    status: 401,
    reason: /^X-Hub-Signature-256 is missing/,
  },
  {
    name: "the legacy signature alone",
    delivery: { headers: { "x-hub-signature-256": null, "x-hub-signature": `sha1=${"0".repeat(40)}` } },
    status: 401,
    reason: /^X-Hub-Signature-256 is missing/,
  },
  {
    name: "a signature of another form",
    delivery: { headers: { "x-hub-signature-256": "sha256=zz" } },
    status: 401,
    reason: /no signature/,
  },
  {
    name: "a signature with another secret",
    delivery: { secret: "guess" },
    status: 401,
    reason: /fits none of the App's webhook secrets/,
  },
  { name: "a signature with the empty secret", delivery: { secret: "" }, status: 401, reason: /fits none/ },
  {
    name: "a signature of another body",
    delivery: { headers: { "x-hub-signature-256": sign("whsec", "{}") } },
    status: 401,
    reason: /fits none/,
  },
  {
    name: "an unknown App",
    delivery: { headers: { "x-github-hook-installation-target-id": "42" } },
    status: 404,
    reason: /^no GitHubApp object has appId 42 for github\.com; create one, or check /,
  },
  {
    name: "an App of another host",
    delivery: { headers: { "x-github-enterprise-host": "ghe.corp.example" } },
    status: 404,
    reason: /^no GitHubApp object has appId \d+ for ghe\.corp\.example/,
  },
  {
    name: "a tenant that has no App",
    delivery: { headers: { "x-github-tenant": "octocorp" } },
    status: 404,
    reason: /for octocorp/,
  },
  {
    name: "no App in the headers",
    delivery: { headers: { "x-github-hook-installation-target-id": null } },
    status: 404,
    reason: /^X-GitHub-Hook-Installation-Target-ID is missing/,
  },
  {
    name: "a header that is no id",
    delivery: { headers: { "x-github-hook-installation-target-id": "1; DROP TABLE" } },
    status: 404,
    reason: /is missing/,
  },
  {
    name: "a repository's webhook",
    delivery: { headers: { "x-github-hook-installation-target-type": "repository" } },
    status: 404,
    reason: /webhook of a repository; getabako takes the webhooks of GitHub Apps/,
  },
  {
    name: "a form",
    delivery: { body: "payload=%7B%7D", headers: { "content-type": "application/x-www-form-urlencoded" } },
    status: 415,
    reason: /sends a form: choose the content type application\/json/,
  },
  {
    name: "another content type",
    delivery: { headers: { "content-type": "text/plain" } },
    status: 415,
    reason: /must be application\/json/,
  },
  {
    name: "a compressed body",
    delivery: { body: gzipSync(JSON.stringify(jobPayload())), headers: { "content-encoding": "gzip" } },
    status: 415,
    reason: /compressed: .* nothing is unpacked/,
  },
  { name: "no JSON", delivery: { body: "not json" }, status: 400, reason: /not a JSON object/ },
  { name: "a JSON list", delivery: { body: "[]" }, status: 400, reason: /not a JSON object/ },
  { name: "an empty body", delivery: { body: "" }, status: 400, reason: /not a JSON object/ },
  {
    name: "bytes that are no UTF-8",
    delivery: { body: new Uint8Array([0x7b, 0xff, 0x7d]) },
    status: 400,
    reason: /not a JSON object/,
  },
  { name: "no event name", delivery: { headers: { "x-github-event": null } }, status: 400, reason: /X-GitHub-Event is missing/ },
  {
    name: "a job without id",
    delivery: { payload: jobPayload({ job: { id: null } }) },
    status: 400,
    reason: /workflow_job\.id is missing/,
  },
  {
    name: "a job without repository",
    delivery: { payload: { ...jobPayload(), repository: undefined } },
    status: 400,
    reason: /full_name is missing/,
  },
  {
    name: "labels that are no texts",
    delivery: { payload: jobPayload({ job: { labels: [7] } }) },
    status: 400,
    reason: /labels is not a list/,
  },
];

/** Sends bytes as they are, and collects what comes back until the server closes. */
function raw(receiver: Receiver): { socket: Socket; answer: Promise<string> } {
  const socket = connect(receiver.port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const answer = new Promise<string>((resolve, reject) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
  return { socket, answer };
}

function head(appId: number, lines: readonly string[], path = "/webhook"): string {
  return [
    `POST ${path} HTTP/1.1`,
    "Host: getabako",
    "Content-Type: application/json",
    `X-GitHub-Hook-Installation-Target-ID: ${appId}`,
    `X-Hub-Signature-256: sha256=${"0".repeat(64)}`,
    ...lines,
    "",
    "",
  ].join("\r\n");
}

describe("a delivery with", () => {
  test.each(cases)("$name is answered with $status", async ({ delivery, status, reason }) => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const answer = await receiver.deliver(delivery);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ outcome: "rejected", reason: expect.stringMatching(reason) });
    expect(await world.requestNames()).toEqual([]);
    // Nothing of it is left in the way of the next one.
    expect((await receiver.deliverJob()).status).toBe(202);
  });
});

test("a content type with a charset is JSON", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  const answer = await receiver.deliverJob({}, { headers: { "content-type": "Application/JSON; charset=utf-8" } });
  expect(answer.status).toBe(202);
});

test("other methods and paths are refused with a word on where to go", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  const get = await fetch(receiver.url);
  expect(get.status).toBe(405);
  expect(get.headers.get("allow")).toBe("POST");
  expect(await get.json()).toEqual({ outcome: "rejected", reason: "webhooks come with POST" });
  const other = await fetch(receiver.url.replace("/webhook", "/"), { method: "POST", body: "{}" });
  expect(other.status).toBe(404);
  expect(await other.json()).toEqual({ outcome: "rejected", reason: "nothing is here; webhooks go to /webhook" });
});

test("a query after the path does not matter", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  const body = JSON.stringify(jobPayload());
  const headers = {
    "content-type": "application/json",
    "x-github-event": "workflow_job",
    "x-github-hook-installation-target-id": String(world.appId),
    "x-hub-signature-256": sign(world.secret, body),
  };
  expect((await fetch(`${receiver.url}?from=github`, { method: "POST", body, headers })).status).toBe(202);
});

describe("a body", () => {
  test("of almost 25 MB is taken, time and again", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const body = JSON.stringify({ ...jobPayload(), filler: "x".repeat(24 * mebibyte) });
    // More than may be held at once.
    const statuses = [];
    for (let count = 0; count < 5; count++) statuses.push((await receiver.deliver({ body })).status);
    expect(statuses).toEqual([202, 200, 200, 200, 200]);
  });

  test("that announces more than 25 MB is refused before it is sent", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const { socket, answer } = raw(receiver);
    socket.write(head(world.appId, [`Content-Length: ${26 * mebibyte}`]));
    await vi.waitFor(() => expect(socket.bytesRead).toBeGreaterThan(0), { timeout: 15_000 });
    socket.end();
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).toMatch(/connection: close/i);
    expect(text).toContain('{"outcome":"rejected","reason":"the body exceeds 25 MB');
  });

  test("that exceeds 25 MB without having said so is refused while it is read, and the answer arrives", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const { socket, answer } = raw(receiver);
    socket.write(head(world.appId, ["Transfer-Encoding: chunked"]));
    const chunk = Buffer.concat([Buffer.from(`${mebibyte.toString(16)}\r\n`), Buffer.alloc(mebibyte, 0x20), Buffer.from("\r\n")]);
    for (let sent = 0; sent < 28; sent++) socket.write(chunk);
    socket.write("0\r\n\r\n");
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).toMatch(/connection: close/i);
  });

  test("that comes too slowly is given up, and the connection with it", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver({ answerWithinMs: 300 });
    const { socket, answer } = raw(receiver);
    socket.write(`${head(world.appId, ["Content-Length: 1000"])}{`);
    await vi.waitFor(() => expect(socket.bytesRead).toBeGreaterThan(0), { timeout: 5_000 });
    socket.end();
    expect(await answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"the body did not arrive in time"/);
  });

  test("whose sender leaves is forgotten", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const { socket } = raw(receiver);
    socket.write(`${head(world.appId, ["Content-Length: 1000"])}{`);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.destroy();
    await vi.waitFor(() => expect(receiver.log.lines("client left before it was answered")).toHaveLength(1), { timeout: 5_000 });
    expect((await receiver.deliverJob()).status).toBe(202);
  });

  test("of an unknown App is not even read", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    const { socket, answer } = raw(receiver);
    socket.write(head(42, ["Content-Length: 1000"]));
    await vi.waitFor(() => expect(socket.bytesRead).toBeGreaterThan(0), { timeout: 15_000 });
    socket.end();
    expect(await answer).toMatch(/^HTTP\/1\.1 404 /);
  });
});

test("what strangers send shows neither in the log nor in the answers, nor do secrets and signatures", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  const canary = "canary-of-a-payload";
  const payload = jobPayload({ job: { head_sha: canary, steps: [{ name: canary }] } });
  const body = JSON.stringify(payload);
  const wrong = sign("guess", body);
  const answers = [
    await receiver.deliver({ payload, secret: "guess" }),
    await receiver.deliver({ body: `${canary}` }),
    await receiver.deliver({ payload, headers: { "x-github-event": `${canary} ${"x".repeat(100)}` } }),
    await receiver.deliver({ payload }),
    await receiver.deliver({ payload: { ...payload, action: "completed" } }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([401, 400, 400, 202, 202]);
  const output = `${receiver.log.text}${answers.map(({ text }) => text).join()}${await receiver.registry.metrics()}`;
  for (const hidden of [canary, world.secret, "guess", wrong, sign(world.secret, body), sign(world.secret, body).slice(7)]) {
    expect(output).not.toContain(hidden);
  }
  // The log did take part.
  expect(receiver.log.lines("created runner request")).toHaveLength(1);
});

test("the log joins delivery, job and request, and says once a minute that signatures are wrong", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  await receiver.deliverJob({}, { id: "guid-1" });
  await receiver.deliverJob({ action: "completed" }, { id: "guid-2" });
  for (let count = 0; count < 3; count++) await receiver.deliver({ secret: "guess", id: "guid-3" });
  await receiver.deliverJob({ job: { labels: ["gpu"] } }, { id: "guid-4" });

  const request = `${world.namespace}/job-31415926535`;
  const seen = receiver.log
    .lines()
    .filter(({ delivery }) => delivery !== undefined)
    .map(({ level, msg, delivery, job, runnerRequest, status }) => ({ level, msg, delivery, job, runnerRequest, status }));
  expect(seen).toEqual([
    {
      level: "info",
      msg: "created runner request",
      delivery: "guid-1",
      job: "31415926535",
      runnerRequest: request,
      status: undefined,
    },
    { level: "info", msg: "recorded job", delivery: "guid-2", job: "31415926535", runnerRequest: request, status: undefined },
    { level: "warn", msg: "refused delivery", delivery: "guid-3", job: undefined, runnerRequest: undefined, status: 401 },
    { level: "debug", msg: "answered delivery", delivery: "guid-3", job: undefined, runnerRequest: undefined, status: 401 },
    { level: "debug", msg: "answered delivery", delivery: "guid-3", job: undefined, runnerRequest: undefined, status: 401 },
    { level: "debug", msg: "answered delivery", delivery: "guid-4", job: undefined, runnerRequest: undefined, status: 200 },
  ]);
});

test("strangers cannot make new time series", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  const series = async () =>
    (await receiver.registry.metrics()).split("\n").filter((line) => line.startsWith("getabako_")).length;
  await receiver.deliver({ secret: "guess", event: "anything" });
  await receiver.deliver({ event: "anything", payload: { action: "anything" } });
  const before = await series();
  for (let index = 0; index < 20; index++) {
    await receiver.deliver({ secret: "guess", event: `event_${index}` });
    await receiver.deliver({ event: `event_${index}`, payload: { action: `action_${index}` } });
  }
  expect(await series()).toBe(before);
});
