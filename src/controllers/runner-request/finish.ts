import { runnerName } from "../../api/v1alpha1/names.ts";
import type { ReasonOf } from "../../api/v1alpha1/reasons.ts";
import { isGitHubError } from "../../github/errors.ts";
import { isProviderError } from "../../provider/errors.ts";
import { isFinished } from "../../request/phase.ts";
import { observe, type RequestStatus } from "../../request/status.ts";
import { isoTime } from "../../util/clock.ts";
import { jobLifetimeMs } from "./attempts.ts";
import type { Launches } from "./launches.ts";
import { age, lastAttempt, lookAgain, openAttempt, type Pass } from "./pass.ts";
import { closeAttempt, deregister } from "./retire.ts";
import { appKeyOf, classKeyOf, scopeOf, type World } from "./world.ts";

interface Outcome {
  readonly status: "True" | "False";
  readonly reason: ReasonOf<"Succeeded">;
  readonly message: string;
}

/**
 * finish gives the request its outcome once nothing runs for it any more. Returns whether everything that was made for it is gone,
 * at the provider and at GitHub: only then may the finalizer go.
 */
export async function finish(pass: Pass, world: World, launches: Launches): Promise<boolean> {
  const { status, nowMs } = pass;
  const deleted = pass.request.metadata.deletionTimestamp !== undefined;
  if (hasInstance(status)) return false;

  if (!isFinished(status)) {
    const outcome = deleted
      ? ({ status: "False", reason: "Deleted", message: "the request was deleted" } as const)
      : outcomeOf(pass);
    if (outcome === undefined) return false;
    if (!(await clearUnrecorded(pass, world, launches))) return false;
    if (openAttempt(status) !== undefined) closeAttempt(pass, deleted ? "Deleted" : "NotNeeded", outcome.message, false);
    status.timings.finishedAt = isoTime(nowMs);
    observe(status, "Succeeded", outcome.status, outcome.reason, outcome.message, nowMs);
    pass.events.push({
      type: outcome.status === "True" ? "Normal" : "Warning",
      reason: outcome.reason,
      action: "Finish",
      note: outcome.message,
    });
  }
  return (await deregister(pass, world)) === "gone";
}

/** Whether an instance of the request is still there. */
function hasInstance(status: RequestStatus): boolean {
  return status.instance !== undefined && status.instance.state !== "Stopped";
}

/** What the request came to, or undefined while there is something to wait for. */
function outcomeOf(pass: Pass): Outcome | undefined {
  const { status, request, nowMs } = pass;
  const last = lastAttempt(status);
  const ran = status.assignedJob;
  if (last?.reason === "RunnerLost" || last?.reason === "TimedOut") {
    return { status: "False", reason: last.reason, message: last.message ?? "" };
  }
  if (ran?.state === "Completed") {
    const other = ran.id === request.spec.job.id ? "" : ` (another job than the one that asked: GitHub assigns by labels)`;
    return {
      status: "True",
      reason: "JobCompleted",
      message: `the runner ran ${ran.repository}: "${ran.name}": ${ran.conclusion ?? "unknown"}${other}`,
    };
  }
  if (openAttempt(status)?.providerId !== undefined) return undefined;
  if (status.job.state === "Completed" && ["cancelled", "skipped"].includes(status.job.conclusion ?? "")) {
    return {
      status: "True",
      reason: "JobCancelled",
      message: `the job was ${status.job.conclusion ?? "cancelled"} before a runner of ours took it`,
    };
  }
  if (status.job.state !== "Queued") {
    const by = status.job.runnerName === undefined ? "" : ` by ${status.job.runnerName}`;
    return { status: "True", reason: "NotNeeded", message: `the job was taken${by}, and no runner is needed for it` };
  }
  const waited = age(nowMs, request.spec.job.queuedAt);
  if (waited > jobLifetimeMs) {
    return { status: "False", reason: "JobExpired", message: "the job waited for 24 hours; GitHub gives a job up then" };
  }
  lookAgain(pass, jobLifetimeMs - waited + 1_000);
  return undefined;
}

/**
 * Removes what an attempt may have made that the stored status does not mention: an earlier process may have crashed after its call,
 * or a call of this one ended without an answer. Returns false when that has to be looked at again.
 */
async function clearUnrecorded(pass: Pass, world: World, launches: Launches): Promise<boolean> {
  const { status, request, target } = pass;
  if (lastAttempt(status) !== undefined || openAttempt(status)?.providerId !== undefined) return true;
  if (target === undefined || !launches.mayBeUnrecorded(pass.uid, request.metadata.creationTimestamp)) return true;
  const classKey = classKeyOf(target);
  const provider = world.provider(classKey.kind);
  const cls = world.runnerClass(classKey)?.resolved;
  const github = world.github(appKeyOf(target));
  const scope = scopeOf(target.spec.scope);
  const number = openAttempt(status)?.number ?? (status.attempt ?? 0) + 1;
  try {
    if (github !== undefined && status.runner === undefined) {
      const runner = await github.findRunner(scope, runnerName(request.metadata.name, number), pass.signal);
      if (runner !== undefined && (await github.deleteRunner(scope, runner.id, pass.signal)) === "busy") {
        lookAgain(pass, 10_000);
        return false;
      }
    }
    if (provider?.capabilities.listable && cls !== undefined) {
      const place = {
        classRef: { kind: cls.kind, namespace: cls.namespace, name: cls.name },
        connection: provider.connection(cls),
      };
      for await (const instance of provider.list(cls, { requestUid: pass.uid }, pass.signal)) {
        if (instance.state === "Stopped") continue;
        await provider.delete(place, instance.id, "its request ended before it was recorded", pass.signal);
        lookAgain(pass, 5_000);
        return false;
      }
    }
    launches.forget(pass.uid);
    return true;
  } catch (error) {
    if (!isGitHubError(error) && !isProviderError(error)) throw error;
    pass.log.info({ code: error.code }, "could not look for leftovers yet");
    lookAgain(pass, error.retryAfterMs ?? 10_000);
    return false;
  }
}
