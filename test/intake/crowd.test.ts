import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { newWorld, type Receiver } from "./harness.ts";

const cluster = testCluster();
const mebibyte = 1024 * 1024;

function open(receiver: Receiver): Socket {
  const socket = connect(receiver.port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** A delivery whose body does not come to its end; strangers know the id of an App. */
function unfinished(appId: number): string {
  return [
    "POST /webhook HTTP/1.1",
    "Host: getabako",
    "Content-Type: application/json",
    `X-GitHub-Hook-Installation-Target-ID: ${appId}`,
    `X-Hub-Signature-256: sha256=${"0".repeat(64)}`,
    "Transfer-Encoding: chunked",
    "",
    "",
  ].join("\r\n");
}

test("a crowd of clients that say nothing, or not all, locks nobody out", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver({ maxConnections: 20 });
  const crowd = Array.from({ length: 60 }, () => open(receiver));
  await Promise.all(crowd.map((socket) => once(socket, "connect")));
  crowd.forEach((socket, index) => socket.write(index % 2 === 0 ? "POST /webhook HTTP/1.1\r\n" : unfinished(world.appId)));
  for (let id = 1; id <= 30; id++) expect((await receiver.deliverJob({ job: { id } })).status).toBe(202);
  expect(await world.requestNames()).toHaveLength(30);
  expect(await receiver.metric("getabako_http_connections", 'server="webhook"')).toBeLessThanOrEqual(20);
  expect(
    await receiver.metric("getabako_http_connections_dropped_total", 'server="webhook",reason="evicted"'),
  ).toBeGreaterThanOrEqual(40);
  // However many they are, one line.
  expect(receiver.log.lines("too many connections")).toHaveLength(1);
});

test("large bodies that are held back leave room for deliveries", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver({ answerWithinMs: 60_000 });
  const chunk = Buffer.concat([Buffer.from(`${mebibyte.toString(16)}\r\n`), Buffer.alloc(mebibyte, 0x20), Buffer.from("\r\n")]);
  for (let hoarder = 0; hoarder < 4; hoarder++) {
    const socket = open(receiver);
    socket.write(unfinished(world.appId));
    for (let sent = 0; sent < 24; sent++) socket.write(chunk);
  }
  const large = JSON.stringify({ filler: "x".repeat(mebibyte) });
  await expect.poll(async () => (await receiver.deliver({ event: "ping", body: large })).status, { timeout: 14_000 }).toBe(503);
  for (let id = 1; id <= 5; id++) expect((await receiver.deliverJob({ job: { id } })).status).toBe(202);
});
