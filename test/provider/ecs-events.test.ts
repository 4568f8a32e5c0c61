import { expect, onTestFinished, test } from "vitest";
import { queueFindings } from "../../src/provider/ecs/events/queue.ts";
import { SqsClients } from "../../src/provider/ecs/events/sqs-clients.ts";
import type { ProviderError } from "../../src/provider/errors.ts";
import type { Delivery, Feed, Instance } from "../../src/provider/types.ts";
import type { TaskEvent } from "../sim/ecs/events.ts";
import { type EventQueue, startEventQueue } from "../sim/sqs/event-queue.ts";
import { type EcsBench, type EcsBenchOptions, ecsBench } from "./ecs-bench.ts";
import { unaborted } from "./launches.ts";

const signal = unaborted();

interface World extends EcsBench {
  readonly queue: EventQueue;
  readonly feed: Feed;
}

/** A provider whose class has a queue that gets the simulator's events, and hides what was received for longer than a test takes. */
async function world(options: EcsBenchOptions = {}, hiddenSeconds = 60): Promise<World> {
  const queue = await startEventQueue({ hiddenSeconds });
  onTestFinished(() => queue.close());
  const bench = await ecsBench({
    ...options,
    events: { sink: queue.sink, ...options.events },
    spec: { events: { queueUrl: queue.url }, ...options.spec },
  });
  return { ...bench, queue, feed: feedOf(bench, bench.cls) };
}

function feedOf({ provider }: EcsBench, cls: EcsBench["cls"]): Feed {
  const feed = provider.feed(cls);
  if (feed === undefined) throw new Error("the class has no feed");
  return feed;
}

/** Reads until the feed has brought enough, and settles that: a message behind all others makes the next delivery come. */
async function read({ feed, queue }: World, enough: (all: Delivery) => boolean): Promise<Delivery> {
  const stop = new AbortController();
  const all = { instances: [] as Instance[], foreign: 0, unreadable: [] as string[] };
  for await (const { instances, foreign, unreadable } of feed.open(stop.signal)) {
    if (enough(all)) break;
    all.instances.push(...instances);
    all.foreign += foreign;
    all.unreadable.push(...unreadable);
    if (enough(all)) await queue.send(JSON.stringify({ source: "test" }));
  }
  stop.abort();
  return all;
}

/** Reads until the feed fails, and returns why. */
async function failureOf(feed: Feed): Promise<ProviderError> {
  try {
    for await (const _ of feed.open(unaborted()));
  } catch (error) {
    return error as ProviderError;
  }
  throw new Error("the feed ended without an error");
}

const states = (all: Delivery): string[] => all.instances.map(({ version, state }) => `${version} ${state}`);

test("a class without a queue has no feed; with one, the first delivery comes at once, empty", async () => {
  const bench = await ecsBench();
  expect(bench.provider.feed(bench.cls)).toBeUndefined();
  const { feed } = await world();
  const first = await feed.open(signal)[Symbol.asyncIterator]().next();
  expect(first.value).toEqual({ instances: [], foreign: 0, unreadable: [] });
});

test("a task's whole life is told, as get() would tell it, and nothing stays in the queue", async () => {
  const it = await world();
  const { sim, provider, place, launch, queue } = it;
  const asked = launch();
  const { instance } = await provider.create(asked, signal);
  sim.moveTo(instance.id, "RUNNING");
  sim.exit(instance.id, { exitCode: 0 });
  sim.moveTo(instance.id, "STOPPED");
  const all = await read(it, ({ instances }) => instances.some(({ state }) => state === "Stopped"));
  const last = all.instances.toSorted((a, b) => a.version - b.version).at(-1);
  const { registeredIn: _, ...asRead } = (await provider.get(place, [instance.id], signal)).get(instance.id) as Instance;
  expect(last).toEqual(asRead);
  expect(last).toMatchObject({ requestUid: asked.requestUid, attempt: 1, runnerName: asked.runnerName, exitCode: 0 });
  expect(all).toMatchObject({ foreign: 0, unreadable: [] });
  await expect.poll(() => queue.count()).toBeLessThanOrEqual(1);
});

test("order and duplicates are the reader's to sort out: each observation has the task's own version", async () => {
  const it = await world();
  it.sim.events.options = { sink: it.queue.sink, duplicates: () => 1, reorderWindow: 8 };
  const { instance } = await it.provider.create(it.launch(), signal);
  it.sim.moveTo(instance.id, "RUNNING");
  it.sim.events.flush();
  const all = await read(it, ({ instances }) => instances.length >= 8);
  expect(states(all).toSorted()).toEqual(["1 Pending", "2 Pending", "3 Pending", "4 Running"].flatMap((each) => [each, each]));
});

test("a Spot notice is told while the task runs", async () => {
  const it = await world();
  const { instance } = await it.provider.create(it.launch(), signal);
  it.sim.moveTo(instance.id, "RUNNING");
  it.sim.interruptSpot(instance.id);
  const all = await read(it, ({ instances }) => instances.some(({ state }) => state === "Stopping"));
  expect(all.instances.find(({ state }) => state === "Stopping")?.stop).toEqual({
    category: "Interrupted",
    reason: "SpotInterruption",
    message: expect.stringContaining("within two minutes"),
  });
});

test("what is not about a runner is removed and counted, and what cannot be read too, with no word of it", async () => {
  const it = await world();
  const events: TaskEvent[] = [];
  it.sim.events.options = { sink: (event) => events.push(event) };
  await it.provider.create(it.launch({ jitConfig: "c2VjcmV0LWppdC1jb25maWd1cmF0aW9u" }), signal);
  const event = events[0] as TaskEvent;
  const without = (name: string): TaskEvent => ({ ...event, detail: { ...event.detail, [name]: undefined } });
  const foreign = [
    { ...event, "detail-type": "ECS Container Instance State Change" },
    { ...event, source: "aws.ec2" },
    { ...event, detail: { ...event.detail, startedBy: "ecs-svc/123" } },
    without("startedBy"),
    { Service: "Amazon S3", Event: "s3:TestEvent" },
  ];
  const unreadable = ["{", '"text"', "[]", JSON.stringify({ ...event, detail: "text" }), JSON.stringify(without("version"))];
  const tooLong = JSON.stringify({ ...event, detail: { ...event.detail, more: "x".repeat(300_000) } });
  for (const each of foreign) await it.queue.send(JSON.stringify(each));
  for (const each of [...unreadable, tooLong]) await it.queue.send(each);
  await it.queue.send(JSON.stringify({ ...event, detail: { ...event.detail, unknownMember: { deep: [1] } } }));
  const all = await read(it, (sum) => sum.foreign >= 5 && sum.unreadable.length >= 6 && sum.instances.length >= 1);
  expect(all.unreadable.toSorted()).toEqual(
    ["no detail", "no task in the detail", "not JSON", "not an object", "not an object", "too long"].toSorted(),
  );
  expect(JSON.stringify(all) + it.log.text).not.toContain("c2VjcmV0");
  await expect.poll(() => it.queue.count()).toBeLessThanOrEqual(1);
});

test("what was delivered and not settled comes again, to the next reader", async () => {
  const it = await world({}, 1);
  const { instance } = await it.provider.create(it.launch(), signal);
  await expect.poll(() => it.queue.count()).toBe(1);
  const stop = new AbortController();
  for await (const { instances } of it.feed.open(stop.signal)) if (instances.length > 0) break;
  stop.abort();
  expect(await it.queue.count()).toBe(1);
  const again = await read(it, ({ instances }) => instances.length > 0);
  expect(again.instances[0]?.id).toBe(instance.id);
});

test("a full queue is read by several looks at once, each message once", async () => {
  const it = await world();
  const ids = new Set<string>();
  for (let count = 0; count < 150; count++) ids.add((await it.provider.create(it.launch(), signal)).instance.id);
  await expect.poll(() => it.queue.count()).toBe(150);
  it.queue.gate.calls.clear();
  const all = await read(it, ({ instances }) => instances.length >= 150);
  expect(new Set(all.instances.map(({ id }) => id))).toEqual(ids);
  expect(all.instances).toHaveLength(150);
});

test("classes that name one queue have one feed, and others have feeds of their own", async () => {
  const it = await world();
  const { cls } = it;
  const key = (spec: Partial<EcsBench["cls"]["spec"]>): string | undefined =>
    it.provider.feed({ ...cls, uid: crypto.randomUUID(), name: "other", spec: { ...cls.spec, ...spec } })?.key;
  expect(key({})).toBe(it.feed.key);
  expect(key({ cluster: "default" })).toBe(it.feed.key);
  expect(key({ assumeRoleArn: "arn:aws:iam::123456789012:role/x" })).not.toBe(it.feed.key);
  expect(key({ events: { queueUrl: `${it.queue.url}-2` } })).not.toBe(it.feed.key);
});

test("the end of the signal ends a long poll at once", async () => {
  const { feed } = await world();
  const stop = new AbortController();
  const reason = new Error("shutting down");
  const deliveries = feed.open(stop.signal)[Symbol.asyncIterator]();
  await deliveries.next();
  const second = deliveries.next();
  const startedAt = performance.now();
  stop.abort(reason);
  await expect(second).rejects.toBe(reason);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test.each([
  ["denied", "Unauthorized", "sqs:ReceiveMessage"],
  ["throttled", "Throttled", "fewer ReceiveMessage"],
  ["cut", "Unavailable", "gave no answer"],
] as const)("a queue that is %s ends the feed with what to do", async (fault, code, message) => {
  const { feed, queue } = await world();
  queue.gate.fault = fault;
  const error = await failureOf(feed);
  expect(error).toMatchObject({ name: "ProviderError", code, message: expect.stringContaining(message) });
  expect(error.message).toContain(queue.url);
});

test("a queue that was deleted ends the feed, and the feed works again when there is one", async () => {
  const it = await world();
  await it.queue.delete();
  expect(await failureOf(it.feed)).toMatchObject({ code: "TargetNotReady", message: expect.stringContaining("does not exist") });
  await it.queue.create();
  await it.provider.create(it.launch(), signal);
  expect(states(await read(it, ({ instances }) => instances.length > 0))).toEqual(["1 Pending"]);
});

function denyTo(queue: EventQueue): void {
  queue.gate.fault = "denied";
}

test("check() says nothing of a queue that works, and leaves its messages where they are", async () => {
  const { provider, cls, queue } = await world();
  await queue.send("{}");
  expect((await provider.check(cls, signal)).findings).toEqual([]);
  expect(await queue.count()).toBe(1);
});

test.each([
  ["denied", denyTo, "may not call sqs:ReceiveMessage"],
  ["deleted", (queue: EventQueue) => queue.delete(), "does not exist"],
] as const)("check() warns of a queue that is %s: runners can be started all the same", async (_title, act, message) => {
  const { provider, cls, queue } = await world();
  await act(queue);
  expect((await provider.check(cls, signal)).findings).toEqual([
    { severity: "Warning", reason: "QueueUnreachable", message: expect.stringContaining(message) },
  ]);
});

test("a queue that hangs is warned of in time for the class' other checks", async () => {
  const { cls, queue, sim } = await world();
  queue.gate.fault = "hang";
  const clients = new SqsClients(async ({ queueUrl }) => {
    const sdk = await import("@aws-sdk/client-sqs");
    return { sdk, client: new sdk.SQSClient({ ...sim.clientConfig, endpoint: new URL(queueUrl).origin }) };
  });
  onTestFinished(() => clients.close());
  expect(await queueFindings(clients, cls.spec, signal, 200)).toEqual([
    { severity: "Warning", reason: "QueueUnreachable", message: expect.stringContaining("gave no answer within 0.2 s") },
  ]);
});

test("check() warns of a queue in another Region without asking it", async () => {
  const { provider, cls } = await ecsBench({
    spec: { events: { queueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/events" } },
  });
  expect((await provider.check(cls, signal)).findings).toMatchObject([
    { severity: "Warning", reason: "QueueUnreachable", message: expect.stringContaining("eu-west-1") },
  ]);
});
