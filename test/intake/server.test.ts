import { connect } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { jobPayload } from "../../src/intake/test-objects.ts";
import { testCluster } from "../support/test-cluster.ts";
import { faultProxy, newWorld, sign } from "./harness.ts";

const cluster = testCluster();

test("a stop takes no more connections and lets the delivery in hand finish", async () => {
  const world = await newWorld(cluster);
  const proxy = await faultProxy(cluster);
  const receiver = await world.receiver({ kubeconfig: proxy.kubeconfig });
  const held = Promise.withResolvers<void>();
  const fault = proxy.inject({ method: "POST", path: /runnerrequests/ }, { kind: "hold", until: held.promise });
  const delivery = receiver.deliverJob();
  await vi.waitFor(() => expect(fault.hits).toBe(1), { timeout: 5_000 });

  const stopped = receiver.stop();
  await expect(fetch(receiver.url, { method: "POST" })).rejects.toThrow();
  held.resolve();
  const answer = await delivery;
  expect(answer.status).toBe(202);
  expect(answer.headers.get("connection")).toBe("close");
  await stopped;
  expect(await world.requestNames()).toEqual(["job-31415926535"]);
});

test("a stop does not wait for idle connections", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  const socket = connect(receiver.port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const body = JSON.stringify(jobPayload());
  socket.write(
    [
      "POST /webhook HTTP/1.1",
      "Host: getabako",
      "Content-Type: application/json",
      "X-GitHub-Event: workflow_job",
      `X-GitHub-Hook-Installation-Target-ID: ${world.appId}`,
      `X-Hub-Signature-256: ${sign(world.secret, body)}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
  const [answer] = await new Promise<Buffer[]>((resolve) => socket.once("data", (chunk: Buffer) => resolve([chunk])));
  expect(String(answer)).toMatch(/^HTTP\/1\.1 202 /);
  expect(String(answer)).not.toMatch(/connection: close/i);

  const startedAt = performance.now();
  await receiver.stop();
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test("a port that is taken is an error of run, not of the process", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  await expect(world.receiver({ port: receiver.port })).rejects.toThrow(/EADDRINUSE/);
});
