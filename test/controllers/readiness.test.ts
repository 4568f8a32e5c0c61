import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Condition, getCondition } from "../../src/kube/conditions.ts";
import { ProviderError } from "../../src/provider/errors.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster);
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

type Kind = "gha" | "ecsrc" | "rt";

async function ready(kind: Kind, name: string): Promise<Condition | undefined> {
  const object = JSON.parse(await cluster.kubectl(["get", kind, name, "-n", harness.namespace, "-o", "json"])) as {
    status?: { conditions?: Condition[] };
  };
  return getCondition(object.status?.conditions, "Ready");
}

const becomes = (kind: Kind, name: string) => expect.poll(() => ready(kind, name), { timeout: 15_000, interval: 50 });
const patch = (kind: Kind | "secret", name: string, change: object) => cluster.patch(kind, name, harness.namespace, change);
const setSecret = (data: Record<string, string | null>) => patch("secret", "github-app", { stringData: data });

describe("a GitHubApp", () => {
  it("is Ready and shows its name, installations and rate limits", async () => {
    await becomes("gha", "acme").toMatchObject({ status: "True", reason: "Ready" });
    const app = JSON.parse(await cluster.kubectl(["get", "gha", "acme", "-n", harness.namespace, "-o", "json"])) as {
      status: Record<string, unknown>;
    };
    expect(app.status).toMatchObject({ slug: harness.github.app.slug, installations: [{ account: "acme" }] });
  });

  it("says which Secret or key is missing, and heals when it is there", async () => {
    await patch("gha", "acme", { spec: { privateKeySecretRef: { name: "github-app", key: "missing.pem" } } });
    await becomes("gha", "acme").toMatchObject({
      status: "False",
      reason: "SecretNotFound",
      message: expect.stringContaining("has no key missing.pem"),
    });
    await becomes("rt", "web").toMatchObject({ status: "False", reason: "GitHubAppNotReady" });
    await setSecret({ "missing.pem": harness.github.app.keys[0]?.privateKey ?? "" });
    await becomes("gha", "acme").toMatchObject({ status: "True" });
    await becomes("rt", "web").toMatchObject({ status: "True" });
  });

  it("says what is wrong with a key that cannot be used", async () => {
    await setSecret({ "private-key.pem": "not a key" });
    await becomes("gha", "acme").toMatchObject({ status: "False", reason: "InvalidPrivateKey" });
  });

  it("says that GitHub does not accept a key, and takes a rotated one without a restart", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    await setSecret({ "private-key.pem": privateKey.export({ type: "pkcs1", format: "pem" }).toString() });
    await becomes("gha", "acme").toMatchObject({ status: "False", reason: "Unauthorized" });
    await setSecret({ "private-key.pem": harness.github.addKey(undefined, "pkcs8") });
    await becomes("gha", "acme").toMatchObject({ status: "True" });
  });

  it("names the permission that is missing", async () => {
    harness.github.app.permissions = { metadata: "read", actions: "read" };
    await patch("gha", "acme", { spec: { url: "https://github.com/" } });
    await becomes("gha", "acme").toMatchObject({
      status: "False",
      reason: "PermissionMissing",
      message: expect.stringContaining("Self-hosted runners: Read and write"),
    });
  });

  it("asks for the event that it needs", async () => {
    harness.github.app.events = ["push"];
    await patch("gha", "acme", { spec: { url: "https://github.com/" } });
    await becomes("gha", "acme").toMatchObject({ status: "False", reason: "EventMissing" });
  });

  it("stays Ready while GitHub does not answer", async () => {
    await becomes("gha", "acme").toMatchObject({ status: "True" });
    harness.github.faults.add({ path: /\/app/, times: 1_000, kind: "status", status: 503 });
    const calls = harness.github.counters().rest;
    harness.clock.advance(11 * 60_000);
    await setSecret({ unrelated: "value" });
    await checkedAgain(calls);
    expect(await ready("gha", "acme")).toMatchObject({ status: "True" });
  });

  it("stays Ready in the hands of the next leader, too, while GitHub does not answer", async () => {
    await becomes("gha", "acme").toMatchObject({ status: "True" });
    harness.github.faults.add({ path: /\/app/, times: 1_000, kind: "status", status: 503 });
    harness.crash();
    const calls = harness.github.counters().rest;
    await harness.succeed();
    await checkedAgain(calls);
    expect(await ready("gha", "acme")).toMatchObject({ status: "True", reason: "Ready" });
  });

  it("says which of its settings cannot be used", async () => {
    await setSecret({ "ca.crt": "no certificate" });
    await patch("gha", "acme", { spec: { caBundleRef: { name: "github-app", key: "ca.crt" } } });
    await becomes("gha", "acme").toMatchObject({
      status: "False",
      reason: "InvalidSettings",
      message: expect.stringContaining("the CA bundle holds no certificate"),
    });
  });

  /** Waits for the pass that made a call to end: another one has begun and ended after it. */
  async function checkedAgain(calls: number): Promise<void> {
    await expect.poll(() => harness.github.counters().rest).toBeGreaterThan(calls);
    const passes = await harness.passes("githubapp.readiness");
    await expect
      .poll(async () => {
        await setSecret({ unrelated: crypto.randomUUID() });
        return harness.passes("githubapp.readiness");
      })
      .toBeGreaterThan(passes);
  }
});

describe("an ECSRunnerClass", () => {
  it("shows the first thing that its provider finds wrong", async () => {
    harness.provider.findings = [
      {
        severity: "Error",
        reason: "ClusterNotFound",
        message: "there is no ECS cluster runners in ap-northeast-1: create it, or correct spec.cluster",
      },
      { severity: "Error", reason: "CapacityProviderMissing", message: "FARGATE_SPOT is not associated with the cluster" },
    ];
    await patch("ecsrc", "fargate", { spec: { image: "ghcr.io/acme/runner:2" } });
    await becomes("ecsrc", "fargate").toMatchObject({
      status: "False",
      reason: "ClusterNotFound",
      message: expect.stringContaining("1 more: CapacityProviderMissing"),
    });
    await becomes("rt", "web").toMatchObject({ status: "False", reason: "ClassNotReady" });
  });

  it("shows an error that the provider throws as its reason", async () => {
    harness.provider.failNext(
      "check",
      new ProviderError("Unauthorized", "the operator may not call ecs:DescribeClusters: add it to its IAM policy"),
    );
    await patch("ecsrc", "fargate", { spec: { image: "ghcr.io/acme/runner:3" } });
    await becomes("ecsrc", "fargate").toMatchObject({
      status: "False",
      reason: "Unauthorized",
      message: expect.stringContaining("IAM policy"),
    });
  });
});

describe("a RunnerTarget", () => {
  it("says that its App or its class does not exist", async () => {
    await patch("rt", "web", { spec: { githubAppRef: { name: "nobody" } } });
    await becomes("rt", "web").toMatchObject({
      status: "False",
      reason: "GitHubAppNotFound",
      message: expect.stringContaining("nobody"),
    });
    await patch("rt", "web", { spec: { githubAppRef: { name: "acme" }, classRef: { name: "nothing" } } });
    await becomes("rt", "web").toMatchObject({ status: "False", reason: "ClassNotFound" });
  });

  it("may use what another namespace owns only when that says so", async () => {
    const other = await cluster.namespace("other");
    await patch("rt", "web", { spec: { classRef: { name: "fargate", namespace: other } } });
    await becomes("rt", "web").toMatchObject({ status: "False", reason: "ClassNotFound" });
    await patch("rt", "web", { spec: { classRef: { name: "fargate", namespace: harness.namespace } } });
    await patch("ecsrc", "fargate", { spec: { access: [{ namespaces: ["somebody-else"] }] } });
    await becomes("rt", "web").toMatchObject({ status: "False", reason: "ClassAccessDenied" });
    await patch("ecsrc", "fargate", { spec: { access: [{ namespaces: [harness.namespace] }] } });
    await becomes("rt", "web").toMatchObject({ status: "True" });
  });

  it("is Ready but says so when it is paused", async () => {
    await harness.editTarget({ paused: true });
    await becomes("rt", "web").toMatchObject({ status: "True", reason: "Paused" });
  });
});
