import { createRequire } from "node:module";
import { METHODS } from "node:http";
import { connect } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import { jobActions } from "../../src/intake/event.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Delivery, newWorld, type Receiver, type World } from "./harness.ts";

/*
 * The webhook's port against whatever can be sent to it. Four kinds of input, from bytes to signed payloads, and always the same demands:
 * no crash and no rejection that nobody handles (vitest fails on either), no 5xx for what is the sender's fault, no object that the
 * payload does not ask for, and a server that still works.
 *
 * GETABAKO_FUZZ_RUNS and GETABAKO_FUZZ_SEED choose another number of inputs of each kind, and others of them.
 */

const runs = Number(process.env["GETABAKO_FUZZ_RUNS"] ?? 1_200);
const seed = Number(process.env["GETABAKO_FUZZ_SEED"] ?? 20_261_128);
/** So many inputs are sent at once; a failure is shrunk until all but the one that matters are trivial. */
const atOnce = 20;
const timeout = 120_000 + runs * 100;
const cluster = testCluster();

interface Example {
  readonly name: string;
  readonly examples: readonly Record<string, unknown>[];
}
const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly Example[];
const payloads = examples.flatMap(({ name, examples: all }) => all.map((payload) => ({ name, payload })));
const jobPayloads = payloads.filter(({ name }) => name === "workflow_job");

/** check plays batches of inputs, and demands afterwards that the server is as it was. */
async function check<T>(
  input: fc.Arbitrary<T>,
  play: (input: T, receiver: Receiver, world: World) => Promise<void>,
  after: (world: World, receiver: Receiver) => Promise<void> = async () => {},
): Promise<void> {
  const world = await newWorld(cluster, { target: { overrides: { cpu: { max: 8 }, memory: { max: "16Gi" } } } });
  const receiver = await world.receiver();
  const batches = fc.array(input, { minLength: atOnce, maxLength: atOnce });
  await fc.assert(
    fc.asyncProperty(batches, async (batch) => {
      await Promise.all(batch.map(async (each) => await play(each, receiver, world)));
    }),
    { numRuns: Math.ceil(runs / atOnce), seed },
  );
  await after(world, receiver);
  const honest = await receiver.deliverJob({ job: { id: 999_999_999 } });
  expect(honest.body).toEqual({ outcome: "created", request: `${world.namespace}/job-999999999` });
  // What went wrong in here would be a 503, and a line.
  expect(receiver.log.lines().filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
}

/** Sends bytes, says that there are no more, and resolves to the statuses of the answers once the server has closed. */
async function exchange(receiver: Receiver, bytes: Uint8Array): Promise<number[]> {
  const text = await new Promise<string>((resolve) => {
    let received = "";
    const socket = connect({ port: receiver.port, host: "127.0.0.1" });
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
    });
    // A server that has refused may reset what comes after.
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
    socket.end(bytes);
  });
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

const latin = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 60 });
/** No line breaks: these are to be requests. */
const headerText = latin.map((text) => text.replace(/[\r\n\0]/g, ""));
const headerName = fc.oneof(
  fc.constantFrom(
    "Host",
    "Content-Type",
    "Content-Encoding",
    "Expect",
    "Upgrade",
    "Connection",
    "X-GitHub-Event",
    "X-GitHub-Delivery",
    "X-GitHub-Hook-Installation-Target-ID",
    "X-GitHub-Hook-Installation-Target-Type",
    "X-GitHub-Enterprise-Host",
    "X-GitHub-Tenant",
    "X-Hub-Signature-256",
    "Forwarded",
    "Cookie",
  ),
  fc.string({ unit: fc.constantFrom(...Array.from("abcXYZ019-_!#~")), minLength: 1, maxLength: 40 }),
);
const headerValue = fc.oneof(
  headerText,
  fc.constantFrom(
    "application/json",
    "100-continue",
    "websocket",
    "close",
    "upgrade",
    "gzip",
    "workflow_job",
    "123456",
    "integration",
  ),
  fc.constant(`sha256=${"0".repeat(64)}`),
);
const header = fc.tuple(headerName, headerValue).map(([name, value]) => `${name}: ${value}`);

/** Pieces of HTTP in any order: closer to what a parser has to doubt than noise is. */
const fragment = fc.oneof(
  fc
    .constantFrom(
      "POST /webhook HTTP/1.1\r\n",
      "GET / HTTP/1.0\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "Host: a\r\n",
      "Content-Type: application/json\r\n",
      "Content-Length: 10\r\n",
      "Content-Length: 18446744073709551617\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: identity, chunked\r\n",
      "\r\n",
      "\n",
      "\r",
      "0\r\n\r\n",
      "5\r\nhello\r\n",
      "fffffffffffffffff\r\n",
      "5;a=b\r\nhello\r\n",
      "\u0016\u0003\u0001",
    )
    .map((text) => Buffer.from(text, "latin1")),
  header.map((text) => Buffer.from(`${text}\r\n`, "latin1")),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

test("bytes", { timeout }, async () => {
  let answered = 0;
  await check(
    fc.array(fragment, { minLength: 1, maxLength: 20 }).map((all) => Buffer.concat(all)),
    async (bytes, receiver) => {
      for (const status of await exchange(receiver, bytes)) {
        expect(status, "neither success nor an error of ours").toSatisfy((code: number) => code >= 400 && code < 500);
        answered += 1;
      }
    },
    async (world) => expect(await world.requestNames()).toEqual([]),
  );
  // Inputs that were all swallowed would prove nothing.
  expect(answered).toBeGreaterThan(runs / 10);
});

const target = fc.oneof(
  fc.constantFrom("/webhook", "/webhook?a=b", "/", "*", "http://getabako/webhook", "/webhook/", "/%77ebhook", "//webhook"),
  fc.string({ unit: fc.constantFrom(...Array.from("/abc.%?#&=~\u00e9")), maxLength: 50 }).map((path) => `/${path}`),
);
const request = fc.record({
  method: fc.oneof(fc.constantFrom("POST", ...METHODS), fc.constantFrom("POST")),
  target,
  headers: fc.array(header, { maxLength: 12 }),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
  ),
  chunked: fc.boolean(),
});

test("requests with any method, path, headers and body", { timeout }, async () => {
  let answered = 0;
  await check(
    request,
    async ({ method, target: path, headers, body, chunked }, receiver, world) => {
      const head = [
        `${method} ${path} HTTP/1.1`,
        "Host: getabako",
        "Connection: close",
        "Content-Type: application/json",
        `X-GitHub-Hook-Installation-Target-ID: ${world.appId}`,
        chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`,
        ...headers,
        "\r\n",
      ].join("\r\n");
      const pieces = chunked
        ? [Buffer.from(body.length === 0 ? "0\r\n\r\n" : `${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")]
        : [body];
      const statuses = await exchange(receiver, Buffer.concat([Buffer.from(head, "latin1"), ...pieces]));
      for (const status of statuses) {
        if (status === 100) continue;
        expect(status, "none of these is signed").toSatisfy((code: number) => code >= 400 && code < 500);
        answered += 1;
      }
    },
    async (world) => expect(await world.requestNames()).toEqual([]),
  );
  expect(answered).toBeGreaterThan(runs / 2);
});

/** Deeper than a parser that calls itself could go. */
const deep = fc.nat({ max: 5_000 }).map((depth) => `${'{"a":['.repeat(depth)}9007199254740993${"]}".repeat(depth)}`);

function wordOf(text: string): string {
  return text.replace(/[^\w.-]/g, "") || "none";
}

/** What a signed payload may be answered with: it was understood, or it is wrong. Nothing here is the API server's fault. */
const fine = [200, 202, 400];

test("any JSON, rightly signed", { timeout }, async () => {
  await check(
    fc.record({
      event: fc.oneof(fc.constantFrom("workflow_job", "ping", "installation"), fc.string({ maxLength: 20 }).map(wordOf)),
      body: fc.oneof(fc.json({ maxDepth: 8 }), fc.string(), deep),
    }),
    async ({ event, body }, receiver) => {
      const { status } = await receiver.deliver({ event, body });
      expect(fine).toContain(status);
    },
    async (world) => expect(await world.requestNames()).toEqual([]),
  );
});

const strange = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    null,
    "",
    0,
    -1,
    1e308,
    2 ** 53,
    "9".repeat(400),
    "\u0000",
    "\ud800",
    "\u202e",
    "../../etc/passwd",
    "acme/web/../x",
    "ACME/WEB",
    "job-1-1",
    [],
    {},
    [["self-hosted"]],
    ["self-hosted", "ecs", "cpu=4"],
    ["self-hosted", "ecs", "cpu=1e9", "memory=-1Gi"],
    ["ECS", "Self-Hosted", "ecs"],
    Array.from({ length: 300 }, (_, index) => `label-${index}`),
    "x".repeat(100_000),
    "0001-01-01T00:00:00Z",
    "9999-99-99",
    { __proto__: null, toString: 1 },
  ),
);
/** Fields that decide something are hit more often than chance would. */
const place = fc.oneof(
  fc.constantFrom("id", "run_id", "labels", "runner_name", "full_name", "visibility", "private", "action", "status", "name"),
  fc.constantFrom(
    "workflow_job",
    "repository",
    "installation",
    "created_at",
    "started_at",
    "conclusion",
    "html_url",
    "run_attempt",
  ),
  fc.nat().map(String),
);
const mutation = fc.record({ place, kind: fc.constantFrom("set", "delete", "wrap"), value: strange });

const signedPayload = fc.record({
  base: fc.oneof(fc.constantFrom(...jobPayloads), fc.constantFrom(...jobPayloads), fc.constantFrom(...payloads)),
  /** Whether the job is one that the target serves. */
  served: fc.boolean(),
  action: fc.option(fc.constantFrom(...jobActions), { nil: undefined }),
  id: fc.integer({ min: 1, max: 2 ** 31 }),
  mutations: fc.array(mutation, { maxLength: 4 }),
  asJob: fc.boolean(),
});

test("payloads of GitHub, spoilt and rightly signed", { timeout }, async () => {
  const sent = new Map<string, Record<string, unknown>[]>();
  let made = 0;
  await check(
    signedPayload,
    async (each, receiver) => {
      const payload = spoil(each);
      const event = each.asJob ? "workflow_job" : each.base.name;
      const delivery: Delivery = { event, body: JSON.stringify(payload) };
      const answer = await receiver.deliver(delivery);
      if (!fine.includes(answer.status)) throw new Error(`${answer.status} ${answer.text}`);
      if (answer.body.request === undefined) return;
      expect(event).toBe("workflow_job");
      const name = answer.body.request.split("/")[1] ?? "";
      sent.set(name, [...(sent.get(name) ?? []), payload]);
    },
    async (world) => {
      const { items } = await world.client.requests.list({ namespace: world.namespace });
      made = items.length;
      for (const item of items) {
        const asked = sent.get(item.metadata.name) ?? [];
        if (!asked.some((payload) => asksFor(payload, item))) throw new Error(`nobody asked for ${JSON.stringify(item)}`);
      }
    },
  );
  expect(made).toBeGreaterThan(runs / 20);
});

/** Whether a payload, read with no line of the receiver's, asks for just this request. */
function asksFor(payload: Record<string, unknown>, { spec, metadata }: RunnerRequest): boolean {
  const job = payload["workflow_job"] as Record<string, unknown>;
  const repository = payload["repository"] as Record<string, unknown>;
  const labels = job["labels"] as readonly string[];
  const isPrivate =
    repository["visibility"] === undefined ? repository["private"] === true : repository["visibility"] !== "public";
  const covered = ["self-hosted", "linux", "x64", "ecs"];
  return (
    metadata.name === `job-${String(job["id"])}` &&
    spec.job.id === String(job["id"]) &&
    /^[1-9][0-9]*$/.test(spec.job.runId) &&
    spec.job.repository === repository["full_name"] &&
    String(repository["full_name"]).toLowerCase().startsWith("acme/") &&
    isPrivate &&
    Array.isArray(labels) &&
    labels.every((label) => covered.includes(label.toLowerCase()) || /^(cpu|memory)=/i.test(label.trim())) &&
    (jobActions as readonly unknown[]).includes(payload["action"])
  );
}

function spoil({ base, served, action, id, mutations }: typeof signedPayload extends fc.Arbitrary<infer T> ? T : never) {
  const payload = structuredClone(base.payload);
  if (served) {
    payload["action"] = action ?? payload["action"];
    const job = objectAt(payload, "workflow_job");
    Object.assign(job, { id, run_id: id, labels: ["self-hosted", "ecs"] });
    Object.assign(objectAt(payload, "repository"), { full_name: "acme/web", private: true, visibility: "private" });
  }
  for (const { place: where, kind, value } of mutations) {
    const holders = holdersOf(payload, where);
    const [holder, key] = holders[id % Math.max(1, holders.length)] ?? [payload, where];
    if (kind === "delete") Reflect.deleteProperty(holder, key);
    else holder[key] = kind === "wrap" ? { nested: [holder[key]] } : value;
  }
  return payload;
}

function objectAt(payload: Record<string, unknown>, key: string): Record<string, unknown> {
  const found = payload[key];
  if (typeof found === "object" && found !== null) return found as Record<string, unknown>;
  const made = {};
  payload[key] = made;
  return made;
}

/** Every object of a payload that has a field of this name; for a number, the field of that place in the whole. */
function holdersOf(payload: Record<string, unknown>, where: string): (readonly [Record<string, unknown>, string])[] {
  const all: (readonly [Record<string, unknown>, string])[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      all.push([value as Record<string, unknown>, key]);
      visit(inner);
    }
  };
  visit(payload);
  if (!/^[0-9]+$/.test(where)) return all.filter(([, key]) => key === where);
  const one = all[Number(where) % Math.max(1, all.length)];
  return one === undefined ? [] : [one];
}
