import type { AttemptReason } from "../../api/v1alpha1/reasons.ts";
import { isGitHubError } from "../../github/errors.ts";
import { isTrue } from "../../kube/conditions.ts";
import type { Instance, StopCause } from "../../provider/types.ts";
import { instanceStates } from "../../provider/types.ts";
import { recordAssignedJob } from "../../request/job-record.ts";
import type { RequestStatus } from "../../request/status.ts";
import { isFinished, isRetiring } from "../../request/phase.ts";
import { isoTime } from "../../util/clock.ts";
import { formatDuration } from "../../util/duration.ts";
import { refreshOwnJob } from "./confirm.ts";
import type { InstanceWatcher } from "./instances.ts";
import { age, lookAgain, openAttempt, type Pass, putAttempt } from "./pass.ts";
import { closeAttempt, deregister, isOff, placeOf, startOver } from "./retire.ts";
import type { World } from "./world.ts";

const reasonOfCategory = {
  Exited: "NoJob",
  Requested: "Stopped",
  Interrupted: "Interrupted",
  StartFailed: "StartFailed",
  Misconfigured: "Misconfigured",
  OutOfMemory: "OutOfMemory",
  HostFailure: "HostFailure",
  Unknown: "InstanceLost",
} as const satisfies Record<StopCause["category"], AttemptReason>;

/**
 * The runner's own code for a version that GitHub accepts no longer, on any backend; the variable that asks for it is set for every task.
 * Source: actions/runner, src/Runner.Common, Constants.Runner.ReturnCode.
 */
const versionRefused = 7;

/** observeInstance takes the newest observation of the instance into the status and settles what its end means. */
export async function observeInstance(pass: Pass, world: World, instances: InstanceWatcher): Promise<void> {
  const instance = pass.status.instance;
  if (instance === undefined) return;
  const place = placeOf(instance);
  if (instance.state !== "Stopped") {
    const seen = instances.latest(instance.providerId, place);
    if (seen !== undefined) takeIn(pass, seen);
  }
  if (instance.state !== "Stopped") {
    const within = pollWithin(pass);
    // Never seen by this process: events may have been missed while nobody listened, so the first look does not wait for its turn.
    const unseen = instances.latest(instance.providerId, place) === undefined;
    instances.watch(instance.providerId, place, pass.key, unseen ? Math.min(within, pass.periods.firstLookMs) : within, {
      withinMs: isEnding(pass) ? pass.periods.pollFedEndingMs : pass.periods.pollFedMs,
      // Stored in whole seconds: any moment of that one.
      launchedMs: Date.parse(pass.status.timings.launchedAt ?? "") + 999 || 0,
    });
    return;
  }
  if (openAttempt(pass.status) !== undefined) await settle(pass, world);
  // Closed as not needed, and then another job of the bucket was left alone.
  else if (pass.status.assignedJob === undefined && isAlive(pass) && pass.isNeeded()) startOver(pass);
}

/** Notes an observation; states only move forward, an older one changes nothing. */
function takeIn(pass: Pass, seen: Instance | "gone"): void {
  const { status, nowMs } = pass;
  const known = status.instance;
  if (known === undefined) return;
  if (seen === "gone") {
    // Reads of a backend lag behind its writes (ECS: up to minutes), so a young instance is not gone because a list lacks it.
    if (age(nowMs, status.timings.launchedAt) < pass.periods.consistencyMs) return;
    known.state = "Stopped";
    known.stoppedAt ??= isoTime(nowMs);
    known.stopReason ??= "Gone";
    noteEnd(pass, "InstanceLost", "the provider does not know the instance any more");
    return;
  }
  if (instanceStates.indexOf(seen.state) < instanceStates.indexOf(known.state)) return;
  noteInterruption(pass, known, seen);
  // On its way out: nothing is decided by it, and the end itself follows within moments.
  if (seen.state === "Stopping") return;
  // The backend's counter changes with every step of its own; only what the status shows is worth a write.
  if (seen.state === known.state && seen.state !== "Stopped") return;
  known.state = seen.state;
  if (seen.version > 0) known.version = seen.version;
  for (const field of ["capacity", "zone", "createdAt", "startedAt", "stoppedAt"] as const) {
    const value = seen[field];
    if (value !== undefined) known[field] ??= value;
  }
  if (seen.state !== "Stopped") return;
  known.stoppedAt ??= isoTime(nowMs);
  if (seen.exitCode !== undefined) known.exitCode = seen.exitCode;
  if (seen.stop !== undefined) {
    known.stopReason = seen.stop.reason.slice(0, 100);
    noteEnd(pass, endReason(seen.stop, seen.exitCode), seen.stop.message);
  }
}

/**
 * Says once that the capacity is taken away, at the notice or, where that was not seen, at the end. Nothing follows from the notice: a job
 * may still end in time, and a runner without one ends by itself.
 */
function noteInterruption(pass: Pass, known: NonNullable<RequestStatus["instance"]>, seen: Instance): void {
  const { state, stop, stoppedAt } = seen;
  if (stop?.category !== "Interrupted" || known.interruptedAt !== undefined) return;
  // An end may be seen long after it came, and several at once after an hour in which no operator ran: they are not one wave.
  const endMs = state === "Stopped" && stoppedAt !== undefined ? Date.parse(stoppedAt) : pass.nowMs;
  known.interruptedAt = isoTime(Math.min(endMs, pass.nowMs));
  const job = pass.status.assignedJob?.state === "InProgress" ? pass.status.assignedJob : undefined;
  const runs = state === "Stopped" ? "ran" : "runs";
  const what = job === undefined ? "" : `; ${job.repository}: "${job.name}" ${runs} on it`;
  pass.events.push({ type: "Warning", reason: "Interrupted", action: interruptedAction, note: `${stop.message}${what}` });
}

/** interruptedAction tells the event of an interruption from that of the attempt which ended by it. */
export const interruptedAction = "Observe";

function endReason({ category }: StopCause, exitCode: number | undefined): AttemptReason {
  const byItself = category === "Exited" || category === "Misconfigured";
  return byItself && exitCode === versionRefused ? "RunnerVersionRefused" : reasonOfCategory[category];
}

/** The cause of an end belongs to its attempt, unless the operator itself decided to end it. */
function noteEnd(pass: Pass, reason: AttemptReason, message: string): void {
  const attempt = openAttempt(pass.status);
  if (attempt !== undefined && attempt.reason === undefined)
    putAttempt(pass.status, { ...attempt, reason, message: message.slice(0, 300) });
}

/**
 * Settles an attempt whose instance has ended:
 *
 * 1. its job has completed: done. GitHub removes an ephemeral runner that ended by itself right after its job.
 * 2. its job was running: the event of the end may be on its way. Wait, ask GitHub, and only then call the runner lost.
 * 3. it never had a job as far as we know: an event may be on its way too, so GitHub is asked before a new attempt is made.
 */
async function settle(pass: Pass, world: World): Promise<void> {
  const { status } = pass;
  const attempt = openAttempt(status);
  if (attempt === undefined) return;
  const reason = (attempt.reason ?? "NoJob") as AttemptReason;
  const message = attempt.message ?? "the runner ended without having had a job";

  if (status.assignedJob?.state === "Completed") {
    // Only a runner that ended by itself has told GitHub so. One that was killed with its job stays registered when GitHub fails the
    // job, and an adopted instance may have left a second registration of the same name behind.
    const ended = status.instance?.exitCode === 0 && status.runner?.id !== undefined;
    if (!ended && !isOff(await deregister(pass, world))) return;
    delete status.runner;
    pass.pauses.clear(pass.uid, "busy");
    closeAttempt(pass, reason === "TimedOut" ? reason : "JobCompleted", "the runner's job ended");
    return;
  }
  if (status.assignedJob?.state === "InProgress") {
    if (reason !== "TimedOut" && reason !== "Deleted") {
      if (!(await jobIsLost(pass, world))) return;
      closeAttempt(pass, "RunnerLost", `the instance ended while its job ran: ${message}`);
    } else {
      closeAttempt(pass, reason, message);
    }
    await deregister(pass, world);
    return;
  }
  const runner = status.runner;
  const github = runner === undefined ? undefined : world.github(runner.githubAppRef);
  if (github !== undefined && status.job.state === "Queued") {
    await refreshOwnJob(pass, github);
    if (status.assignedJob !== undefined) {
      lookAgain(pass, 100);
      return;
    }
  }
  // Busy without a known job: it died with a job on it whose event is still to come, or GitHub lags. Asked again in a minute.
  const registration = await deregister(pass, world);
  if (!isOff(registration)) return;
  if (registration === "absent" && mayHaveWorked(pass)) return;
  // Closed first: a runner that is being given up counts as neither needed nor too many.
  closeAttempt(pass, reason, message);
  if (isAlive(pass) && pass.isNeeded()) startOver(pass);
}

/**
 * Whether to wait for news of a job. GitHub takes an ephemeral runner's registration away after its job, and by itself nobody's that is
 * young: a runner that ended well and is not registered any more did a job, that of another request maybe, and the events that tell of
 * it are on their way. Instances end as fast as GitHub's webhooks come, and faster where the provider pushes its changes.
 */
function mayHaveWorked(pass: Pass): boolean {
  const { instance } = pass.status;
  if (instance?.exitCode !== 0) return false;
  const left = pass.periods.lateEventMs - age(pass.nowMs, instance.stoppedAt);
  if (left > 0) lookAgain(pass, left);
  return left > 0;
}

function isAlive({ request, status }: Pass): boolean {
  return request.metadata.deletionTimestamp === undefined && !isFinished(status);
}

/** Whether a job that ran on an ended instance is lost for certain. */
async function jobIsLost(pass: Pass, world: World): Promise<boolean> {
  const { status, nowMs } = pass;
  const job = status.assignedJob;
  const endedFor = age(nowMs, status.instance?.stoppedAt);
  if (job === undefined) return false;
  if (endedFor < pass.periods.lateEventMs) {
    lookAgain(pass, pass.periods.lateEventMs - endedFor);
    return false;
  }
  const github = status.runner === undefined ? undefined : world.github(status.runner.githubAppRef);
  try {
    const record = await github?.getJob(job.repository, job.id, pass.signal);
    if (record?.status === "completed") {
      recordAssignedJob(
        status,
        {
          ...job,
          state: "Completed",
          conclusion: record.conclusion,
          completedAt: record.completedAt,
          runnerName: status.runner?.name,
        },
        nowMs,
      );
      lookAgain(pass, 100);
      return false;
    }
    if (record !== undefined && endedFor >= pass.periods.lostAfterMs) return true;
  } catch (error) {
    if (!isGitHubError(error)) throw error;
  }
  // Counted from when this process could first ask: the end may lie in the hour in which no operator ran.
  if (Math.min(endedFor, nowMs - pass.leadingSinceMs) >= pass.periods.giveUpAskingMs) return true;
  pass.log.debug({ endedFor: formatDuration(endedFor) }, "the instance has ended, asking GitHub again about its job");
  lookAgain(pass, endedFor < pass.periods.lostAfterMs ? pass.periods.lostAfterMs - endedFor : pass.periods.lostAfterMs);
  return false;
}

/**
 * How soon the instance is worth reading again. GitHub's events tell of starts and ends of jobs, so reading is for what they cannot
 * tell: an instance that does not start, one that is taken away, and the end after a job or a stop.
 */
function pollWithin(pass: Pass): number {
  const { status, nowMs, periods } = pass;
  if (status.assignedJob?.state === "Completed") {
    return age(nowMs, status.assignedJob.completedAt) < periods.endingMs ? periods.pollEndingMs : periods.pollLingeringMs;
  }
  if (isEnding(pass)) return periods.pollEndingMs;
  if (isTrue(status.conditions, "Assigned")) return periods.pollBusyMs;
  if (isTrue(status.conditions, "Registered")) return periods.pollIdleMs;
  return age(nowMs, status.timings.launchedAt) < periods.youngMs ? periods.pollYoungMs : periods.pollStartingMs;
}

/** Whether the instance's end is what the request waits for. */
function isEnding({ status, request }: Pass): boolean {
  return status.assignedJob?.state === "Completed" || isRetiring(status) || request.metadata.deletionTimestamp !== undefined;
}
