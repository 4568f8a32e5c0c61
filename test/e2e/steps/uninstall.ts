import type { RunnerRequest } from "../../../src/api/v1alpha1/runner-request.ts";
import { expectAllDone, queueJobs, requestsOf } from "../jobs.ts";
import type { Job } from "../../sim/github/state/model.ts";
import { listedKinds, objectNames } from "../kube.ts";
import { fillTarget } from "../load.ts";
import { teamNamespace, webhookSecretName } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import { until } from "../../support/until.ts";
import { webhookUrl } from "../webhook-url.ts";
import { expectNoDenialOf } from "./audit.ts";
import { expectReady } from "./ready.ts";

/** Traces compares what there is with what there was before the release. */
export class Traces {
  readonly #stage: Stage;
  #before = new Set<string>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Before the release is installed. */
  async remember(): Promise<void> {
    this.#before = new Set(await this.#names());
  }

  /** What there is now and was not there before, but for the CRDs and their objects. */
  async left(): Promise<string[]> {
    return (await this.#names()).filter((name) => !this.#before.has(name));
  }

  async #names(): Promise<string[]> {
    const { cluster, release } = this.#stage;
    const all = await listedKinds(this.#stage, false);
    // APIServices are made by the API server, one for each group and version of the CRDs.
    const kinds = all.filter((kind) => !/^(customresourcedefinitions|apiservices|componentstatuses)/.test(kind));
    const clusterWide = await cluster.kubectl(["get", kinds.join(","), "--ignore-not-found", "-o", "name"]);
    const released = await objectNames(this.#stage, release.namespace);
    const team = (await objectNames(this.#stage, teamNamespace)).filter((name) => /^(role|rolebinding)\./.test(name));
    return [...clusterWide.split("\n").filter((name) => name !== ""), ...released, ...team];
  }
}

/**
 * uninstall happens while jobs run and wait. It leaves the CRDs and their objects: jobs that run go on to their end, and the requests in
 * flight, which are returned, keep their finalizers for the next installation. Everything else can be read and deleted without the operator.
 */
export async function uninstall(stage: Stage, traces: Traces, detail: Detail): Promise<Job[]> {
  const { cluster, engine, github, helms, release } = stage;
  const jobs = await fillTarget(stage, 12_000);
  const objects = ["get", "githubapps,ecsrunnerclasses,runnertargets,runnerrequests", "-A", "-o", "name"];
  const before = (await cluster.kubectl(objects)).trim().split("\n");
  await release.uninstall(helms.helm4);
  await until("nothing left of the release", 40_000, async () => {
    const left = await traces.left();
    if (left.length > 0) throw new Error(left.join("\n"));
  });
  const after = (await cluster.kubectl(objects)).trim().split("\n");
  const lost = before.filter((name) => !after.includes(name));
  if (lost.length > 0) throw new Error(`objects were deleted: ${lost.join(", ")}`);

  await until("the end of the containers, each with its job", 60_000, async () => {
    if (/ Up /.test(await engine.containers())) throw new Error(await engine.containers());
  });
  const ended = jobs.filter(({ status }) => status !== "queued");
  const failed = ended.filter(({ conclusion }) => conclusion !== "success");
  if (ended.length === 0 || failed.length > 0) throw new Error(`${failed.length} of ${ended.length} jobs did not end well`);
  const held = (await requestsOf(stage, jobs)).filter(({ metadata }) => (metadata.finalizers ?? []).length > 0);
  detail(`${after.length} objects stay; ${ended.length} jobs went on to their end, ${jobs.length - ended.length} wait`);
  detail(`${held.length} requests keep their finalizer`);

  const list = await cluster.kubectl(["get", "runnerrequests", "-n", teamNamespace, "-o", "json"]);
  const finished = (JSON.parse(list) as { items: RunnerRequest[] }).items
    .filter(({ metadata }) => (metadata.finalizers ?? []).length === 0)
    .map(({ metadata }) => metadata.name);
  if (finished.length === 0) throw new Error("there is no finished request to delete");
  await cluster.kubectl(["delete", "runnerrequests", "-n", teamNamespace, "--timeout=20s", ...finished.slice(0, 3)]);
  // Nothing that a person wrote needs the operator to let go of it.
  await cluster.kubectl(["delete", "runnertarget", "no-image", "-n", teamNamespace, "--timeout=20s"]);
  await cluster.kubectl(["delete", "ecsrunnerclass", "no-image", "-n", teamNamespace, "--timeout=20s"]);
  // What GitHub wanted to tell meanwhile has failed.
  await github.webhooks.settled();
  return jobs;
}

/** The Secrets of webhooks are all that the pods which take them may read. */
const split = { mode: "split", intake: { secretNames: [webhookSecretName] } };

/** reinstall, with a Deployment for webhooks and one for the controllers, finds what was left, finishes it, and serves on. */
export async function reinstall(stage: Stage, left: readonly Job[], detail: Detail): Promise<void> {
  const { cluster, current, directory, github, helms, release } = stage;
  const startedAt = Date.now();
  await release.install(helms.helm4, current, split);
  await expectReady(stage);
  // The Service has another address now.
  github.setReceivers([await webhookUrl(cluster, release, directory)]);
  await expectAllDone(stage, left, 180_000, { unheard: true });
  await expectAllDone(stage, queueJobs(stage, 2, 200), 60_000);
  const deployments = ["get", "deployments", "-n", release.namespace, "-o", "name"];
  detail((await cluster.kubectl(deployments)).trim().split("\n").join(", "));
  await expectNoDenialOf(stage, [`${release.name}-intake`, release.name], startedAt, detail);
}
