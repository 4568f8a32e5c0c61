import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Client } from "../../src/kube/client.ts";
import { deepFreeze } from "../../src/kube/object.ts";
import { Recorder } from "../../src/kube/recorder.ts";
import { type Event, events } from "../../src/kube/resource.ts";
import { FakeClock } from "../support/clock.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { testCluster } from "../support/test-cluster.ts";
import { connect, installWidgets, widget } from "./widgets.ts";

describe("Recorder", () => {
  const cluster = testCluster();
  const direct = connect(cluster.kubeconfig, "suite");
  const client = new Client(direct.cluster, events);

  beforeAll(async () => {
    await installWidgets(cluster);
  });

  async function setUp() {
    const namespace = await cluster.namespace("recorder");
    const proxy = await FaultProxy.start(cluster);
    onTestFinished(() => proxy.close());
    const connection = connect(proxy.kubeconfig);
    const clock = new FakeClock(Date.now());
    const recorder = new Recorder({ ...connection, component: "test.example/operator", instance: "pod-1", clock });
    const about = deepFreeze(await direct.widgets.create(widget(namespace, "subject")));
    const read = async (): Promise<Event[]> => (await client.list({ namespace })).items;
    return { ...connection, namespace, proxy, clock, recorder, about, read };
  }

  const launched = { type: "Normal", reason: "Launched", action: "Launch", note: "launched it" } as const;

  it("publishes an Event that kubectl shows with its object", async () => {
    const { recorder, about, read, namespace, metric } = await setUp();
    recorder.event(about, launched);
    await recorder.flush();
    expect(await read()).toMatchObject([
      {
        type: "Normal",
        reason: "Launched",
        action: "Launch",
        note: "launched it",
        reportingController: "test.example/operator",
        reportingInstance: "pod-1",
        regarding: { kind: "Widget", apiVersion: "kube.test.example/v1", namespace, name: "subject", uid: about.metadata.uid },
      },
    ]);
    expect(await cluster.kubectl(["describe", "widget", "subject", "-n", namespace])).toMatch(/Normal\s+Launched .*launched it/);
    expect(await metric("kube_events_total", { result: "created" })).toBe(1);
  });

  it("publishes Events that kubectl describes in the order in which they happened", async () => {
    const { recorder, about, clock, namespace } = await setUp();
    // Two of each moment: those of one pass have the same time.
    const notes = Array.from({ length: 12 }, (_, index) => `step ${index + 1}.`);
    for (const [index, note] of notes.entries()) {
      if (index % 2 === 0) clock.advance(1_000);
      recorder.event(about, { ...launched, note });
    }
    await recorder.flush();
    const described = await cluster.kubectl(["describe", "widget", "subject", "-n", namespace]);
    expect(described.match(/step \d+\./g)).toEqual(notes);
    const listed = await cluster.kubectl(["events", "--for", "widget/subject", "-n", namespace]);
    expect(listed.match(/step \d+\./g)).toEqual(notes);
  });

  it("counts repetitions within two minutes as a series of one Event", async () => {
    const { recorder, about, read, clock, proxy } = await setUp();
    recorder.event(about, launched);
    await recorder.flush();
    for (let times = 0; times < 50; times++) {
      clock.advance(1_000);
      recorder.event(about, launched);
    }
    await recorder.flush();
    const [event, ...others] = await read();
    expect(others).toEqual([]);
    expect(event?.series).toEqual({ count: 51, lastObservedTime: new Date(clock.now()).toISOString().replace("Z", "000Z") });
    expect(proxy.requests({ method: "PATCH" }).length).toBeLessThanOrEqual(6);
  });

  it("publishes anew after two minutes without a repetition, and for another reason, note or object", async () => {
    const { recorder, about, read, clock, namespace } = await setUp();
    const other = deepFreeze(await direct.widgets.create(widget(namespace, "other")));
    recorder.event(about, launched);
    recorder.event(about, { ...launched, reason: "Started" });
    recorder.event(about, { ...launched, note: "launched another" });
    recorder.event(other, launched);
    clock.advance(120_000);
    recorder.event(about, launched);
    await recorder.flush();
    expect((await read()).length).toBe(5);
  });

  it("publishes a repetition that comes before the first was written as one Event with its count", async () => {
    const { recorder, about, read } = await setUp();
    for (let times = 0; times < 5; times++) recorder.event(about, launched);
    await recorder.flush();
    expect((await read()).map(({ series }) => series?.count)).toEqual([5]);
  });

  it("writes the series into a new Event when the first one has expired", async () => {
    const { recorder, about, read, clock, namespace } = await setUp();
    recorder.event(about, launched);
    await recorder.flush();
    await cluster.kubectl(["delete", "events", "--all", "-n", namespace]);
    clock.advance(60_000);
    recorder.event(about, launched);
    await recorder.flush();
    expect((await read()).map(({ series }) => series?.count)).toEqual([2]);
  });

  it("cuts a note to what an Event can hold", async () => {
    const { recorder, about, read } = await setUp();
    recorder.event(about, { ...launched, note: "🥿".repeat(2_000) });
    await recorder.flush();
    const [event] = await read();
    expect(Buffer.byteLength(event?.note ?? "")).toBeLessThanOrEqual(1_024);
    expect(event?.note.endsWith("…")).toBe(true);
  });

  it("names an Event about an object with the longest name", async () => {
    const { recorder, namespace, read } = await setUp();
    const name = `a${"b".repeat(250)}.c`;
    recorder.event(deepFreeze(await direct.widgets.create(widget(namespace, name))), launched);
    await recorder.flush();
    expect((await read()).map(({ regarding }) => regarding.name)).toEqual([name]);
  });

  it("puts an Event about a cluster-scoped object into namespace default", async () => {
    const { recorder, namespace } = await setUp();
    const metadata = JSON.parse(await cluster.kubectl(["get", "namespace", namespace, "-o", "json"])).metadata;
    recorder.event({ apiVersion: "v1", kind: "Namespace", metadata }, launched);
    await recorder.flush();
    const found = await client.list({ namespace: "default", fieldSelector: `regarding.name=${namespace}` });
    expect(found.items).toHaveLength(1);
  });

  it("tries again after errors, and gives up without harm", async () => {
    const { recorder, about, read, proxy, metric } = await setUp();
    proxy.inject({ method: "POST" }, { kind: "status", code: 503 }, { times: 1 });
    recorder.event(about, launched);
    await recorder.flush();
    expect(await read()).toHaveLength(1);
    proxy.inject({ method: "POST" }, { kind: "status", code: 403 });
    recorder.event(about, { ...launched, reason: "Refused" });
    await recorder.flush();
    expect(await read()).toHaveLength(1);
    expect(await metric("kube_events_total", { result: "failed" })).toBe(1);
  });

  it("drops what exceeds its queue, counts it and says so once", async () => {
    const { recorder, about, proxy, metric, captured } = await setUp();
    const gate = Promise.withResolvers<void>();
    proxy.inject({ method: "POST" }, { kind: "hold", until: gate.promise }, { times: 1 });
    proxy.inject({ method: "POST" }, { kind: "status", code: 403 });
    for (let n = 0; n < 1_100; n++) recorder.event(about, { ...launched, note: `number ${n}` });
    expect(await metric("kube_events_total", { result: "dropped" })).toBe(99);
    expect(captured.lines("events are dropped: the queue is full")).toHaveLength(1);
    gate.resolve();
    await recorder.flush(60_000);
    expect(await metric("kube_events_total", { result: "failed" })).toBe(1_000);
  });

  it("does not hold up a stop when the API server does not answer", async () => {
    const { recorder, about, proxy, captured } = await setUp();
    const gate = Promise.withResolvers<void>();
    proxy.inject({ method: "POST" }, { kind: "hold", until: gate.promise });
    recorder.event(about, launched);
    await recorder.flush(50);
    expect(captured.lines("events are left unpublished: the API server takes too long")).toHaveLength(1);
    gate.resolve();
  });
});
