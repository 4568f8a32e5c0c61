import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { getCondition, isTrue } from "../../kube/conditions.ts";
import { isRetiring } from "../../request/phase.ts";
import { observe } from "../../request/status.ts";
import { isoTime } from "../../util/clock.ts";
import { formatDuration, parseDurationMs } from "../../util/duration.ts";
import { age, lookAgain, openAttempt, type Pass } from "./pass.ts";
import { deregister, isOff, retire, stop } from "./retire.ts";
import type { World } from "./world.ts";

/**
 * The deadlines hold on although the target was deleted meanwhile; these are the CRD's defaults. How long its jobs might have run is not
 * known any more, and a busy runner is stopped for a reason only: GitHub's own limit for a job on a self-hosted runner counts, 5 days
 * (GitHub docs, "Usage limits for self-hosted runners").
 */
const defaultTimeouts: RunnerTarget["spec"]["timeouts"] = { launch: "10m", registration: "5m", idle: "10m", job: "120h" };

/**
 * liveness ends what does not get on: each deadline runs from a stored moment, so a restart loses none. All but the job's own deadline
 * ask GitHub first and leave a runner alone that has found work.
 */
export async function liveness(pass: Pass, world: World): Promise<void> {
  const { status, nowMs } = pass;
  const instance = status.instance;
  if (instance === undefined || instance.state === "Stopped" || openAttempt(status) === undefined) return;
  if (isRetiring(status)) {
    // Decided before, perhaps by another process: finish it.
    await deregister(pass, world);
    await stop(pass, world, openAttempt(status)?.message ?? "the attempt was given up");
    return;
  }
  const timeouts = pass.target?.spec.timeouts ?? defaultTimeouts;

  const job = status.assignedJob;
  if (job?.state === "Completed") {
    const since = age(nowMs, job.completedAt);
    if (since < pass.periods.lingerMs) lookAgain(pass, pass.periods.lingerMs - since);
    // GitHub is asked first here too: a request of the same name may have been there before, and the job may be one of its runner's.
    else if (isOff(await deregister(pass, world))) await stop(pass, world, "the runner did not end after its job");
    return;
  }
  if (job?.state === "InProgress") {
    const left = parseDurationMs(timeouts.job) - age(nowMs, job.startedAt);
    if (left > 0) lookAgain(pass, left);
    else
      await retire(pass, world, "TimedOut", `the job ran longer than ${timeouts.job} (timeouts.job of the RunnerTarget)`, true);
    return;
  }

  noteUnheardWork(pass);
  const busySince = status.runner?.busySince;
  if (busySince !== undefined) {
    const left = parseDurationMs(timeouts.job) - age(nowMs, busySince);
    if (left > 0) lookAgain(pass, left);
    else await retire(pass, world, "TimedOut", `a job that nobody told of ran longer than ${timeouts.job}`, true);
    return;
  }

  const needed = pass.isNeeded();
  if (status.job.state !== "Queued" || !needed) {
    const left = pass.periods.surplusGraceMs - age(nowMs, status.job.updatedAt);
    if (left > 0) lookAgain(pass, left);
    else if (!needed) {
      if (await retire(pass, world, "NotNeeded", "no job of the target that waits needs the runner")) return;
    } else lookAgain(pass, pass.periods.surplusGraceMs);
  }
  await deadlines(pass, world, timeouts);
}

/** Takes in what GitHub's list said of a runner whose job nobody told of; it works, so its own job needs another one. */
function noteUnheardWork({ status, nowMs, unheardWork }: Pass): void {
  const { runner } = status;
  if (runner === undefined || unheardWork === undefined) return;
  if (unheardWork) runner.busySince ??= isoTime(nowMs);
  else delete runner.busySince;
  const message = unheardWork ? "GitHub calls the runner busy with a job that nobody told of" : "";
  observe(status, "Assigned", "Unknown", "AwaitingJob", message, nowMs);
}

async function deadlines(pass: Pass, world: World, timeouts: RunnerTarget["spec"]["timeouts"]): Promise<void> {
  const { status, nowMs } = pass;
  const launched = getCondition(status.conditions, "Launched")?.lastTransitionTime;
  if (isTrue(status.conditions, "Registered") && pass.registrationLost) {
    await retire(pass, world, "RegistrationLost", "GitHub does not list the runner any more, so no job can reach it");
    return;
  }
  if (isTrue(status.conditions, "Registered")) {
    const left = parseDurationMs(timeouts.idle) - age(nowMs, getCondition(status.conditions, "Registered")?.lastTransitionTime);
    if (left > 0) lookAgain(pass, left);
    else
      await retire(pass, world, "IdleTimedOut", `the runner got no job for ${timeouts.idle} (timeouts.idle of the RunnerTarget)`);
    return;
  }
  const running = status.instance?.state === "Running";
  const limit = running ? timeouts.registration : timeouts.launch;
  const waited = age(nowMs, running ? (status.instance?.startedAt ?? launched) : launched);
  const left = parseDurationMs(limit) - waited;
  if (left > 0) {
    lookAgain(pass, left);
  } else if (running) {
    const message = `the instance runs, but GitHub did not see the runner for ${formatDuration(waited)} (timeouts.registration is ${limit}): check the image, its command and the way to GitHub`;
    await retire(pass, world, "RegistrationTimedOut", message);
  } else {
    const message = `the instance did not run within ${limit} (timeouts.launch of the RunnerTarget): look at its capacity, and give it longer where machines have to start first`;
    await retire(pass, world, "LaunchTimedOut", message);
  }
}
