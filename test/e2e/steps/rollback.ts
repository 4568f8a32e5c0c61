import type { RunnerTarget } from "../../../src/api/v1alpha1/runner-target.ts";
import type { Job } from "../../sim/github/state/model.ts";
import { until } from "../../support/until.ts";
import { requestsOf } from "../jobs.ts";
import { apply, getObject } from "../kube.ts";
import { teamNamespace } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import { queueShapedJob, shapedTarget } from "./shaped.ts";
import { expectKindsOf, replacePods } from "./upgrade.ts";

/**
 * rollback is what Helm calls so, and does by itself after a failed upgrade. It takes the kinds back, so that what only the newer ones
 * know is dropped from objects; jobs go on all the same, also one that got its runner by it.
 */
export async function rollback(stage: Stage, detail: Detail): Promise<void> {
  const { helms, previous, release } = stage;
  const shaped = await runShapedJob(stage);
  await replacePods(stage, detail, () => release.rollback(helms.helm3), [shaped]);
  await expectKindsOf(previous, stage);
  if (await isKept(stage, shaped)) detail("the previous version's kinds know all of it, so nothing was dropped");
  else detail("spec.overrides is gone from the target and from the request, as docs/upgrading.md says");
}

/** stepBack is the way back of docs/upgrading.md, which keeps the kinds, and so every field. */
export async function stepBack(stage: Stage, detail: Detail): Promise<void> {
  const { current, helms, previous, release } = stage;
  const shaped = await runShapedJob(stage);
  await replacePods(stage, detail, () => release.upgrade(helms.helm4, previous, { crds: { install: false } }), [shaped]);
  await expectKindsOf(current, stage);
  if (!(await isKept(stage, shaped))) throw new Error("spec.overrides did not survive");
  detail("spec.overrides is still in the target and in the request");
}

/** upgradeAgain takes the kinds in again, whether they went back or belonged to nobody. */
export async function upgradeAgain(stage: Stage, detail: Detail): Promise<void> {
  const { current, helms, release } = stage;
  await replacePods(stage, detail, () => release.upgrade(helms.helm4, current));
  await expectKindsOf(current, stage);
  // As GitOps would: what was dropped comes back.
  await apply(stage, [shapedTarget]);
}

/** Whether the field that only the newer kinds have is still there. */
async function isKept(stage: Stage, job: Job): Promise<boolean> {
  const target = await getObject<RunnerTarget>(stage, "runnertarget", "web", teamNamespace);
  const [request] = await requestsOf(stage, [job]);
  const kept = [target.spec.overrides, request?.spec.overrides].filter((overrides) => overrides !== undefined);
  if (kept.length === 1) throw new Error(`only one of target and request lost spec.overrides: ${JSON.stringify(kept)}`);
  return kept.length === 2;
}

async function runShapedJob(stage: Stage): Promise<Job> {
  const job = queueShapedJob(stage, 25_000);
  await until("a job with override labels that runs", 40_000, async () => {
    const [request] = await requestsOf(stage, [job]);
    if (request?.status?.phase !== "Running") throw new Error(`it is ${request?.status?.phase}`);
  });
  return job;
}
