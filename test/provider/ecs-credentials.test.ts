import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { openEcsSender } from "../../src/provider/ecs/clients.ts";
import { createEcsProvider, type EcsProvider } from "../../src/provider/ecs/provider.ts";
import { S3Store } from "../../src/provider/ecs/s3-store.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { systemClock } from "../../src/util/clock.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { startS3Sim } from "../sim/s3/server.ts";
import { executionRole } from "./delivery-bench.ts";
import { startEventQueue } from "../sim/sqs/event-queue.ts";
import { ecsClass } from "./ecs-class.ts";
import { makeLaunch, unaborted } from "./launches.ts";

// The real client with the credentials of the environment, as in production.

const role = "arn:aws:iam::123456789012:role/runners";

beforeEach(() => {
  for (const name of Object.keys(process.env).filter((each) => each.startsWith("AWS_"))) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function bench(): Promise<{ readonly sim: EcsSim; readonly provider: EcsProvider }> {
  const sim = await startEcsSim();
  const provider = createEcsProvider({ clock: systemClock, log: silentLogger() });
  onTestFinished(async () => {
    await provider.close();
    await sim.close();
  });
  return { sim, provider };
}

/** An STS that knows AssumeRole only. */
async function startSts(status: number, body: string): Promise<string[]> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding("utf8");
    let text = "";
    request.on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      requests.push(text);
      response.writeHead(status, { "content-type": "text/xml" }).end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  vi.stubEnv("AWS_ENDPOINT_URL_STS", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return requests;
}

const assumed = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>assumed</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
const denied = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>
<Message>User: arn:aws:iam::123456789012:user/x is not authorized to perform: sts:AssumeRole on resource: ${role}</Message></Error></ErrorResponse>`;

test("the environment's credentials are used", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "environment");
  const { sim, provider } = await bench();
  await provider.check(ecsClass({ region: sim.region, endpoint: sim.url }), unaborted());
  expect(new Set(sim.calls.list().map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(["AKIAENVIRONMENT"]));
});

test("a class' role is assumed once, in its Region, and used for every call", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "environment");
  const requests = await startSts(200, assumed);
  const { sim, provider } = await bench();
  const cls = ecsClass({ region: sim.region, endpoint: sim.url, assumeRoleArn: role });
  await provider.check(cls, unaborted());
  await provider.check(cls, unaborted());
  expect(requests).toHaveLength(1);
  expect(Object.fromEntries(new URLSearchParams(requests[0]))).toMatchObject({
    Action: "AssumeRole",
    RoleArn: role,
    RoleSessionName: "getabako",
  });
  expect(new Set(sim.calls.list().map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(["ASIAASSUMED"]));
});

const byS3 = {
  executionRoleArn: executionRole,
  jitConfigDelivery: { type: "S3", s3: { bucket: "handover", prefix: "getabako/" } },
} as const;

test.each(["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])(
  "%s says where S3 is, and one assumed role serves both services",
  async (variable) => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "environment");
    const requests = await startSts(200, assumed);
    const { sim, provider } = await bench();
    const s3 = await startS3Sim();
    onTestFinished(() => s3.close());
    // By its name: for an address the SDK puts the bucket into the path of its own accord.
    vi.stubEnv(variable, s3.url.replace("127.0.0.1", "localhost"));
    const cls = ecsClass({ region: sim.region, endpoint: sim.url, assumeRoleArn: role, ...byS3 });
    expect((await provider.check(cls, unaborted())).findings).toEqual([]);
    await provider.create(makeLaunch(cls), unaborted());
    expect(s3.keys()).toHaveLength(1);
    expect(s3.violations).toEqual([]);
    expect(requests).toHaveLength(1);
    expect(new Set([...sim.calls.list(), ...s3.calls].map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(["ASIAASSUMED"]));
  },
);

test("no credentials at all are told for S3 as well", async () => {
  const store = new S3Store();
  onTestFinished(() => store.close());
  const put = store.put({ region: "us-east-1", cluster: "runners" }, { bucket: "b", key: "k" }, noBody, unaborted());
  await expect(put).rejects.toMatchObject({ code: "Unauthorized", message: expect.stringContaining("AWS_ACCESS_KEY_ID") });
});

const noBody = { body: "A=1", kmsKeyArn: undefined };

test("a queue of events is read with the credentials of its class", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "environment");
  await startSts(200, assumed);
  const { sim, provider } = await bench();
  const queue = await startEventQueue();
  onTestFinished(() => queue.close());
  const cls = ecsClass({ region: sim.region, endpoint: sim.url, events: { queueUrl: queue.url } });
  for (const [spec, key] of [
    [{}, "AKIAENVIRONMENT"],
    [{ assumeRoleArn: role }, "ASIAASSUMED"],
  ] as const) {
    queue.gate.readers.clear();
    const { findings } = await provider.check({ ...cls, spec: { ...cls.spec, ...spec } }, unaborted());
    expect([findings, [...queue.gate.readers]]).toEqual([[], [key]]);
    for await (const _ of provider.feed({ ...cls, spec: { ...cls.spec, ...spec } })?.open(unaborted()) ?? []) break;
    expect([...queue.gate.readers]).toEqual([key]);
  }
});

test("a role that may not be assumed is Unauthorized, and the message names it", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "environment");
  await startSts(403, denied);
  const { sim, provider } = await bench();
  const { findings } = await provider.check(
    ecsClass({ region: sim.region, endpoint: sim.url, assumeRoleArn: role }),
    unaborted(),
  );
  expect(findings).toMatchObject([{ reason: "Unauthorized", message: expect.stringContaining(`may not assume ${role}`) }]);
  expect(sim.calls.count()).toBe(0);
});

test("no credentials at all are Unauthorized, with the ways to give some", async () => {
  const { sim, provider } = await bench();
  const { findings } = await provider.check(ecsClass({ region: sim.region, endpoint: sim.url }), unaborted());
  expect(findings).toMatchObject([{ reason: "Unauthorized", message: expect.stringContaining("AWS_ACCESS_KEY_ID") }]);
});

test("an answer lost once is not noticed: the same bytes are sent again, and ECS has one task", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "environment");
  const { sim, provider } = await bench();
  sim.faults.add({ kind: "cut", accepted: true });
  await provider.create(makeLaunch(ecsClass({ region: sim.region, endpoint: sim.url })), unaborted());
  const [lost, repeated] = sim.calls.list("RunTask");
  expect([lost?.outcome, repeated?.outcome]).toEqual(["cut", "ok"]);
  expect(repeated?.request).toEqual(lost?.request);
  expect(sim.tasks()).toHaveLength(1);
});

test("a throttled call is not sent again before its budget allows it, by nobody", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "environment");
  const { sim, provider } = await bench();
  sim.faults.throttle(1);
  const launch = makeLaunch(ecsClass({ region: sim.region, endpoint: sim.url }));
  await expect(provider.create(launch, unaborted())).rejects.toMatchObject({ code: "Throttled" });
  expect(sim.calls.outcomes()["RunTask"]).toEqual({ ThrottlingException: 1 });
  await provider.create(launch, unaborted());
  const [refused, accepted] = sim.calls.list("RunTask");
  // Half of 19 a second.
  expect((accepted?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThan(90);
});

test("a call that gets no answer ends: without throwOnRequestTimeout the SDK would only log that it hangs", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "environment");
  const { sim } = await bench();
  sim.faults.add({ kind: "hang" }, { operation: "DescribeClusters", times: 2 });
  const timeouts = { connectionTimeout: 1_000, requestTimeout: 100 };
  const impatient = createEcsProvider({
    clock: systemClock,
    log: silentLogger(),
    openSender: (connection) => openEcsSender(connection, { timeouts }),
  });
  onTestFinished(() => impatient.close());
  const checked = impatient.check(ecsClass({ region: sim.region, endpoint: sim.url }), unaborted());
  await expect(checked).rejects.toMatchObject({ code: "Unavailable" });
  await expect.poll(() => sim.calls.count("DescribeClusters")).toBe(2);
});
