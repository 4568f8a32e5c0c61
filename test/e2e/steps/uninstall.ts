import type { RunnerRequest } from "../../../src/api/v1alpha1/runner-request.ts";
import { expectAllDone, queueJobs } from "../jobs.ts";
import { listedKinds, objectNames } from "../kube.ts";
import { teamNamespace } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import { until } from "../../support/until.ts";
import { webhookUrl } from "../webhook-url.ts";
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

/** uninstall leaves nothing but the CRDs and their objects, which can be read and deleted without the operator. */
export async function uninstall(stage: Stage, traces: Traces, detail: Detail): Promise<void> {
  const { cluster, release } = stage;
  const objects = ["get", "githubapps,ecsrunnerclasses,runnertargets,runnerrequests", "-A", "-o", "name"];
  const before = (await cluster.kubectl(objects)).trim().split("\n");
  await release.uninstall();
  await until("nothing left of the release", 20_000, async () => {
    const left = await traces.left();
    if (left.length > 0) throw new Error(left.join("\n"));
  });
  const after = (await cluster.kubectl(objects)).trim().split("\n");
  const lost = before.filter((name) => !after.includes(name));
  if (lost.length > 0) throw new Error(`objects were deleted: ${lost.join(", ")}`);
  detail(`${after.length} objects stay`);

  const list = await cluster.kubectl(["get", "runnerrequests", "-n", teamNamespace, "-o", "json"]);
  const finished = (JSON.parse(list) as { items: RunnerRequest[] }).items.map(({ metadata }) => metadata.name);
  if (finished.length === 0) throw new Error("there is no finished request to delete");
  await cluster.kubectl(["delete", "runnerrequests", "-n", teamNamespace, "--timeout=20s", ...finished.slice(0, 3)]);
  // Nothing that a person wrote needs the operator to let go of it.
  await cluster.kubectl(["delete", "runnertarget", "no-image", "-n", teamNamespace, "--timeout=20s"]);
  await cluster.kubectl(["delete", "ecsrunnerclass", "no-image", "-n", teamNamespace, "--timeout=20s"]);
}

/** reinstall finds the objects that were left, and serves them again. */
export async function reinstall(stage: Stage): Promise<void> {
  const { cluster, directory, github, release } = stage;
  await release.install();
  await expectReady(stage);
  // The Service has another address now.
  github.setReceivers([await webhookUrl(cluster, release, directory)]);
  await expectAllDone(stage, queueJobs(stage, 2, 200), 60_000);
}
