import { parseRunnerName, runnerName } from "../../api/v1alpha1/names.ts";
import type { AttemptReason, ReasonOf } from "../../api/v1alpha1/reasons.ts";
import { isGitHubError } from "../../github/errors.ts";
import { isProviderError } from "../../provider/errors.ts";
import type { Place } from "../../provider/types.ts";
import { getCondition } from "../../kube/conditions.ts";
import { recordOwnJob } from "../../request/job-record.ts";
import { isFinished } from "../../request/phase.ts";
import { observe, type RequestStatus } from "../../request/status.ts";
import { isoTime } from "../../util/clock.ts";
import { parseDurationMs } from "../../util/duration.ts";
import type { Launches, Terms } from "./launches.ts";
import { age, lastAttempt, lookAgain, openAttempt, type Pass } from "./pass.ts";
import { closeAttempt, deregister, isOff } from "./retire.ts";
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
    takeOverEnd(pass);
    if (openAttempt(status) !== undefined) closeAttempt(pass, deleted ? "Deleted" : endOf(pass), outcome.message);
    status.timings.finishedAt = isoTime(nowMs);
    observe(status, "Succeeded", outcome.status, outcome.reason, outcome.message, nowMs);
    pass.events.push({
      type: outcome.status === "True" ? "Normal" : "Warning",
      reason: outcome.reason,
      action: "Finish",
      note: outcome.message,
    });
  }
  return isOff(await deregister(pass, world));
}

/** What an attempt came to that is still open because its registration lingers. */
function endOf({ status }: Pass): AttemptReason {
  const decided = openAttempt(status)?.reason;
  if (decided === "TimedOut") return decided;
  return status.assignedJob?.state === "Completed" ? "JobCompleted" : "NotNeeded";
}

/**
 * Takes the end of the own job over from the request whose runner ran it: intake stores it only there, since this request is written
 * once more anyway. An end that comes later is stored here by intake.
 */
function takeOverEnd(pass: Pass): void {
  const { job } = pass.status;
  const by = job.state === "InProgress" ? parseRunnerName(job.runnerName ?? "")?.request : undefined;
  const ran = by === undefined || by === pass.key.name ? undefined : pass.sibling(by)?.status?.assignedJob;
  if (ran?.id !== pass.request.spec.job.id || ran.state !== "Completed") return;
  recordOwnJob(pass.status, { ...ran, runnerName: job.runnerName }, pass.nowMs);
}

/** Whether an instance of the request is still there. */
function hasInstance(status: RequestStatus): boolean {
  return status.instance !== undefined && status.instance.state !== "Stopped";
}

/** What the request came to, or undefined while there is something to wait for. */
function outcomeOf(pass: Pass): Outcome | undefined {
  const ended = outcomeOfRunner(pass);
  if (ended !== undefined) return ended === "waiting" ? undefined : ended;
  if (openAttempt(pass.status)?.providerId !== undefined) return undefined;
  if (pass.status.job.state !== "Queued") return outcomeOfGoneJob(pass);
  return outcomeOfWaitingJob(pass);
}

/** What its runner came to, where it had a job or was lost. */
function outcomeOfRunner(pass: Pass): Outcome | "waiting" | undefined {
  const { status, request, nowMs } = pass;
  // Open or not: it stays open while the registration of a runner that was killed lingers at GitHub.
  const last = openAttempt(status) ?? lastAttempt(status);
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
  if (ran?.state !== "InProgress") return undefined;
  // No instance is there: it was never found (see adopt), or it has ended and the event of the job's end may still come.
  const limit = pass.target?.spec.timeouts.job ?? "6h";
  const left = parseDurationMs(limit) - age(nowMs, ran.startedAt);
  if (left <= 0)
    return { status: "False", reason: "RunnerLost", message: `nothing was heard of the runner and its job for ${limit}` };
  lookAgain(pass, left);
  return "waiting";
}

/** What becomes of a request without a runner whose own job is over or runs elsewhere. */
function outcomeOfGoneJob(pass: Pass): Outcome | undefined {
  const { job } = pass.status;
  if (pass.isNeeded()) return undefined;
  const left = pass.periods.settleMs - age(pass.nowMs, job.updatedAt);
  if (left > 0 && job.runnerName !== undefined) {
    lookAgain(pass, left);
    return undefined;
  }
  if (job.state === "Completed" && ["cancelled", "skipped"].includes(job.conclusion ?? "")) {
    return {
      status: "True",
      reason: "JobCancelled",
      message: `the job was ${job.conclusion ?? "cancelled"} before a runner of ours took it`,
    };
  }
  const by = job.runnerName === undefined ? "" : ` by ${job.runnerName}`;
  return { status: "True", reason: "NotNeeded", message: `the job was taken${by}, and no runner is needed for it` };
}

/** What becomes of a request without a runner whose job waits: usually nothing yet. */
function outcomeOfWaitingJob(pass: Pass): Outcome | undefined {
  const { status, request, nowMs, periods } = pass;
  if (!pass.isNeeded()) return { status: "True", reason: "NotNeeded", message: "another request has a runner for the job" };
  const admitted = getCondition(status.conditions, "Admitted");
  if (admitted?.status === "False") {
    if (admitted.reason === ("Rejected" satisfies ReasonOf<"Admitted">)) {
      return { status: "False", reason: "Rejected", message: admitted.message };
    }
    const left = periods.uncoveredGraceMs - age(nowMs, admitted.lastTransitionTime);
    if (left <= 0) return { status: "False", reason: "Uncovered", message: `${admitted.message}; the job is matched anew` };
    lookAgain(pass, left);
  }
  // Counted from the request: a job may have waited for an approval, up to 30 days, before it was queued.
  const waited = age(nowMs, request.metadata.creationTimestamp);
  if (waited > periods.jobLifetimeMs) {
    return { status: "False", reason: "JobExpired", message: "the job waited for 24 hours; GitHub gives a job up then" };
  }
  lookAgain(pass, periods.jobLifetimeMs - waited + 1_000);
  return undefined;
}

/**
 * Removes what the newest attempt may have made that the stored status does not mention: an earlier process may have crashed after its
 * call, or a call of this one ended without an answer. Returns false when that has to be looked at again.
 *
 * A busy runner is left alone, unless a person deleted its request. What cannot be looked for because target, class or App do not
 * exist any more is said in a Warning event.
 */
async function clearUnrecorded(pass: Pass, world: World, launches: Launches): Promise<boolean> {
  const { status, request, uid, nowMs } = pass;
  if (status.instance !== undefined || !launches.mayBeUnrecorded(uid)) return true;
  const deleted = request.metadata.deletionTimestamp !== undefined;
  const held = launches.of(uid);
  const where = held?.terms ?? termsOf(pass, world);
  if (where === undefined) {
    sayUnsearchable(pass);
    return true;
  }
  try {
    const registration = status.runner === undefined ? await dropByName(pass, world, where) : await deregister(pass, world);
    if (registration === "stuck" || (registration === "busy" && !deleted)) return false;
    const stopped = await stopListed(pass, world, where.place);
    if (!stopped) return false;
    // A call without an answer may still show up in the provider's list, which lags behind its writes.
    const left = held?.called?.left(nowMs) ?? 0;
    if (left > 0) {
      lookAgain(pass, Math.min(pass.periods.leftoversEveryMs, left));
      return false;
    }
    launches.forget(uid);
    return true;
  } catch (error) {
    if (!isGitHubError(error) && !isProviderError(error)) throw error;
    pass.log.info({ code: error.code }, "could not look for leftovers yet");
    lookAgain(pass, error.retryAfterMs ?? pass.periods.leftoversEveryMs);
    return false;
  }
}

/** Where the target would have launched, or undefined when that cannot be known any more. */
function termsOf({ target }: Pass, world: World): Terms | undefined {
  if (target === undefined) return undefined;
  const classKey = classKeyOf(target);
  const cls = world.runnerClass(classKey);
  const provider = world.provider(classKey.kind);
  if (cls === undefined || provider === undefined) return undefined;
  const { kind, namespace, name } = cls;
  const place = { classRef: { kind, namespace, name }, connection: provider.connection(cls) };
  return { scope: target.spec.scope, githubAppRef: appKeyOf(target), place };
}

/** Removes the registration that the newest attempt would have, without knowing its id. */
async function dropByName(pass: Pass, world: World, { githubAppRef, scope: stored }: Terms): Promise<"gone" | "busy" | "stuck"> {
  const github = world.github(githubAppRef);
  if (github === undefined) {
    if (world.appExists(githubAppRef)) {
      lookAgain(pass, pass.periods.leftoversEveryMs);
      return "stuck";
    }
    sayUnsearchable(pass);
    return "gone";
  }
  const scope = scopeOf(stored);
  const number = openAttempt(pass.status)?.number ?? (pass.status.attempt ?? 0) + 1;
  const runner = await github.findRunner(scope, runnerName(pass.key.name, number), pass.signal);
  if (runner === undefined) return "gone";
  const outcome = await github.deleteRunner(scope, runner.id, pass.signal);
  if (outcome !== "busy") return "gone";
  lookAgain(pass, pass.periods.leftoversEveryMs);
  return "busy";
}

/** Stops what the provider lists for the request; true when nothing of it is left but what is on its way out. */
async function stopListed(pass: Pass, world: World, place: Place): Promise<boolean> {
  const provider = world.provider(place.classRef.kind);
  const cls = world.runnerClass(place.classRef);
  if (provider?.capabilities.listable !== true || cls === undefined) return true;
  for await (const instance of provider.list(cls, { requestUid: pass.uid }, pass.signal)) {
    if (instance.state === "Stopping" || instance.state === "Stopped") continue;
    await provider.delete(place, instance.id, "its request ended before it was recorded", pass.signal);
    lookAgain(pass, pass.periods.leftoversEveryMs);
    return false;
  }
  return true;
}

function sayUnsearchable(pass: Pass): void {
  pass.events.push({
    type: "Warning",
    reason: "CannotLookForLeftovers",
    action: "Finish",
    note: "target, class or App are gone, so it cannot be checked whether an earlier process left an instance or a registration",
  });
}
