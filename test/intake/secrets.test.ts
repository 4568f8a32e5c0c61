import { describe, expect, test, vi } from "vitest";
import { gitHubApp, runnerTarget } from "../../src/intake/test-objects.ts";
import { testCluster } from "../support/test-cluster.ts";
import { blindfold, callsAfterSync, faultProxy, newWorld, type Receiver, webhookSecret, type World } from "./harness.ts";

const cluster = testCluster();
const own = "job-31415926535";

/** Waits until the receiver answers a ping that was signed with a secret with a status. */
async function untilPing(receiver: Receiver, secret: string, status: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const answer = await receiver.deliver({ event: "ping", payload: {}, secret });
      expect(answer.status).toBe(status);
    },
    { timeout: 10_000, interval: 50 },
  );
}

async function replaceSecret(world: World, texts: Record<string, string>): Promise<void> {
  const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
  await cluster.patch("secret", "github-app", world.namespace, { data: { "webhook-secret": null, ...data } });
}

test("while two secrets rotate, deliveries signed with either are taken, and with neither are not", async () => {
  const refs = ["old", "new"].map((key) => ({ name: "github-app", key }));
  const world = await newWorld(cluster, { app: { webhookSecretRefs: refs } });
  await replaceSecret(world, { old: "the old one", new: "the new one" });
  const receiver = await world.receiver();
  await untilPing(receiver, "the old one", 200);
  expect((await receiver.deliverJob({ job: { id: 1 } }, { secret: "the old one" })).status).toBe(202);
  expect((await receiver.deliverJob({ job: { id: 2 } }, { secret: "the new one" })).status).toBe(202);
  expect((await receiver.deliverJob({ job: { id: 3 } }, { secret: world.secret })).status).toBe(401);
  expect(await world.requestNames()).toEqual(["job-1", "job-2"]);
});

test("a secret that was changed counts without a restart, and the one before it no longer", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  await untilPing(receiver, world.secret, 200);
  await replaceSecret(world, { "webhook-secret": "rotated" });
  await untilPing(receiver, "rotated", 200);
  expect((await receiver.deliverJob({}, { secret: world.secret })).status).toBe(401);
});

test("an App that names another Secret is verified with that one from then on", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  await world.client.secrets.create(webhookSecret(world.namespace, "another", { key: "of another Secret" }));
  const spec = { webhookSecretRefs: [{ name: "another", key: "key" }] };
  await cluster.patch("githubapp", "acme", world.namespace, { spec });
  await untilPing(receiver, "of another Secret", 200);
  expect((await receiver.deliverJob({}, { secret: world.secret })).status).toBe(401);
});

test("a line break at the end of a Secret's value does not count", async () => {
  const world = await newWorld(cluster);
  await replaceSecret(world, { "webhook-secret": "from-a-file\n" });
  const receiver = await world.receiver();
  await untilPing(receiver, "from-a-file", 200);
  expect((await receiver.deliverJob({}, { secret: "from-a-file\n" })).status).toBe(401);
});

test.each([
  [
    "does not exist",
    "a webhook secret of GitHubApp NS/acme does not exist; kubectl describe githubapp says what to do",
    undefined,
  ],
  [
    "has no such key",
    "a webhook secret of GitHubApp NS/acme has no value; kubectl describe githubapp says what to do",
    { other: "x" },
  ],
  // Anybody can sign with the empty key.
  [
    "is empty",
    "a webhook secret of GitHubApp NS/acme has no value; kubectl describe githubapp says what to do",
    { "webhook-secret": "" },
  ],
  [
    "is a line break",
    "a webhook secret of GitHubApp NS/acme has no value; kubectl describe githubapp says what to do",
    { "webhook-secret": "\n" },
  ],
])(
  "an App whose Secret %s cannot be verified now: 503, whatever the signature, and taken once it is there",
  async (_name, reason, texts) => {
    const world = await newWorld(cluster, { app: { webhookSecretRefs: [{ name: "late", key: "webhook-secret" }] } });
    if (texts !== undefined)
      await world.client.secrets.create(webhookSecret(world.namespace, "late", texts as Record<string, string>));
    const receiver = await world.receiver();
    for (const secret of [world.secret, "", "\n"]) {
      const answer = await receiver.deliverJob({}, { secret });
      expect(answer.status).toBe(503);
      expect(answer.body).toEqual({ outcome: "unavailable", reason: reason.replace("NS", world.namespace) });
    }
    if (texts !== undefined) await world.client.secrets.delete({ namespace: world.namespace, name: "late" });
    await world.client.secrets.create(webhookSecret(world.namespace, "late", { "webhook-secret": world.secret }));
    await untilPing(receiver, world.secret, 200);
    expect((await receiver.deliverJob()).status).toBe(202);
  },
);

test("an App that was created a moment ago is known, and its Secret is waited for", async () => {
  const world = await newWorld(cluster);
  const receiver = await world.receiver();
  await world.client.secrets.create(webhookSecret(world.namespace, "second", { key: "second secret" }));
  await world.client.apps.create(
    gitHubApp(
      { appId: world.appId + 1, webhookSecretRefs: [{ name: "second", key: "key" }] },
      { namespace: world.namespace, name: "second" },
    ),
  );
  await vi.waitFor(() => expect(receiver.apps.store.size).toBe(2), { timeout: 5_000 });
  const headers = { "x-github-hook-installation-target-id": String(world.appId + 1) };
  const ping = async (): Promise<number> =>
    (await receiver.deliver({ event: "ping", payload: {}, secret: "second secret", headers })).status;
  // Waited for, but no longer than a second: then it is 503, and the delivery comes again.
  expect([200, 503]).toContain(await ping());
  await expect.poll(ping).toBe(200);
});

test("of several objects with one appId on one host, those count whose secret signed", async () => {
  const world = await newWorld(cluster);
  await world.client.secrets.create(webhookSecret(world.namespace, "second", { key: "second secret" }));
  await world.client.apps.create(
    gitHubApp(
      { appId: world.appId, webhookSecretRefs: [{ name: "second", key: "key" }] },
      { namespace: world.namespace, name: "second" },
    ),
  );
  // It covers the same jobs and more, but belongs to the other object.
  await world.client.targets.create(
    runnerTarget(
      { githubAppRef: { name: "second" }, priority: 9, labels: ["self-hosted", "ecs", "gpu"] },
      { namespace: world.namespace, name: "second" },
    ),
  );
  const receiver = await world.receiver();
  await receiver.deliverJob({ job: { id: 1 } });
  await receiver.deliverJob({ job: { id: 2 } }, { secret: "second secret" });
  expect((await world.request("job-1")).spec.targetRef.name).toBe("web");
  expect((await world.request("job-2")).spec.targetRef.name).toBe("second");
  expect((await receiver.deliverJob({ job: { id: 3 } }, { secret: "third" })).status).toBe(401);
});

test("a job that none of those covers whose secret signed comes again while another one's was not read yet", async () => {
  const world = await newWorld(cluster);
  const proxy = await faultProxy(cluster);
  const receiver = await world.receiver({ kubeconfig: proxy.kubeconfig });
  const read = Promise.withResolvers<void>();
  proxy.inject({ path: /secrets.*second/ }, { kind: "hold", until: read.promise });
  await world.client.secrets.create(webhookSecret(world.namespace, "second", { key: world.secret }));
  const second = { appId: world.appId, webhookSecretRefs: [{ name: "second", key: "key" }] };
  await world.client.apps.create(gitHubApp(second, { namespace: world.namespace, name: "second" }));
  await vi.waitFor(() => expect(receiver.apps.store.size).toBe(2), { timeout: 15_000 });
  const answer = await receiver.deliverJob({ job: { labels: ["gpu"] } });
  expect(answer.status).toBe(503);
  expect(answer.body.reason).toContain(`GitHubApp ${world.namespace}/second was not read yet`);
  // What one of them covers is taken at once.
  expect((await receiver.deliverJob()).body.outcome).toBe("created");
  read.resolve();
  await vi.waitFor(async () => expect((await receiver.deliverJob({ job: { labels: ["gpu"] } })).body.outcome).toBe("ignored"), {
    timeout: 15_000,
  });
});

describe("whoever owns another App can sign about any job and any runner, but", () => {
  async function withEvilApp() {
    const world = await newWorld(cluster);
    const { namespace } = world;
    await world.client.secrets.create(webhookSecret(namespace, "evil", { key: "evil secret" }));
    await world.client.apps.create(
      gitHubApp({ appId: world.appId + 1, webhookSecretRefs: [{ name: "evil", key: "key" }] }, { namespace, name: "evil" }),
    );
    await world.client.targets.create(
      runnerTarget({ githubAppRef: { name: "evil" }, labels: ["evil"] }, { namespace, name: "evil" }),
    );
    const forge = async (receiver: Receiver, job: Record<string, unknown>) =>
      await receiver.deliverJob(
        { action: "completed", job },
        { secret: "evil secret", headers: { "x-github-hook-installation-target-id": String(world.appId + 1) } },
      );
    return { world, forge };
  }

  test("reaches nobody else's request with it", async () => {
    const { world, forge } = await withEvilApp();
    const receiver = await world.receiver();
    await receiver.deliverJob();
    const before = await world.request(own);
    expect((await forge(receiver, { runner_name: `${own}-1` })).body).toMatchObject({ outcome: "ignored" });
    expect(await world.request(own)).toEqual(before);
  });

  test("neither while the store is behind", async () => {
    const { world, forge } = await withEvilApp();
    const proxy = await faultProxy(cluster);
    const receiver = await world.receiver({ kubeconfig: proxy.kubeconfig });
    await receiver.deliver({ event: "ping", payload: {} });
    blindfold(proxy);
    await (await world.receiver()).deliverJob();
    const before = await world.request(own);
    expect((await forge(receiver, { runner_name: `${own}-1` })).body).toMatchObject({ outcome: "ignored" });
    expect(callsAfterSync(proxy)).toEqual([`GET runnerrequests/${own}`]);
    expect(await world.request(own)).toEqual(before);
  });
});

describe("an App that other namespaces may use", () => {
  test("brings their targets jobs, and one request a job although its target changes", async () => {
    const team = await cluster.namespace("intake-team");
    const world = await newWorld(cluster);
    const access = [{ namespaces: [world.namespace, team], repositories: ["acme/web*"] }];
    await cluster.patch("githubapp", "acme", world.namespace, { spec: { access } });
    const receiver = await world.receiver({ everywhere: true });
    await vi.waitFor(() => expect([...receiver.apps.store.list()].some(({ spec }) => spec.access !== undefined)).toBe(true), {
      timeout: 15_000,
    });
    expect((await receiver.deliverJob()).body).toEqual({ outcome: "created", request: `${world.namespace}/${own}` });

    // The team takes the repository's jobs over.
    await world.client.targets.create(
      runnerTarget({ githubAppRef: { name: "acme", namespace: world.namespace }, priority: 1 }, { namespace: team }),
    );
    await vi.waitFor(() => expect(receiver.targets.store.get({ namespace: team, name: "web" })).toBeDefined(), {
      timeout: 15_000,
    });
    expect((await receiver.deliverJob({ job: { id: 2 } })).body).toEqual({ outcome: "created", request: `${team}/job-2` });

    // What was asked for before stays where it is, whatever is told of it.
    const request = `${world.namespace}/${own}`;
    expect((await receiver.deliverJob()).body).toEqual({ outcome: "exists", request });
    expect((await receiver.deliverJob({ action: "completed", job: { runner_name: "job-2-1" } })).body).toEqual({
      outcome: "recorded",
      request,
    });
    expect((await world.client.requests.get({ namespace: team, name: "job-2" })).status?.assignedJob).toMatchObject({
      id: "31415926535",
    });
    expect((await world.client.requests.list({ namespace: team })).items).toHaveLength(1);

    expect((await receiver.deliverJob({ job: { id: 3 }, repository: { full_name: "acme/api" } })).body).toMatchObject({
      outcome: "ignored",
      reason: expect.stringMatching(/^the access of GitHubApp .* does not give acme\/api to RunnerTarget/),
    });
  });
});
