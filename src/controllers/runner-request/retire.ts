import type { AttemptReason, ReasonOf } from "../../api/v1alpha1/reasons.ts";
import { isGitHubError } from "../../github/errors.ts";
import { getCondition } from "../../kube/conditions.ts";
import { keyText } from "../../kube/object.ts";
import { isProviderError } from "../../provider/errors.ts";
import type { Place } from "../../provider/types.ts";
import { isoTime } from "../../util/clock.ts";
import { observe, type RequestStatus } from "../../request/status.ts";
import { isConfigError, nextAttempt } from "./attempts.ts";
import { age, lastAttempt, lookAgain, openAttempt, type Pass, putAttempt } from "./pass.ts";
import type { Paused } from "./pauses.ts";
import { scopeOf, type World } from "./world.ts";

type Instance = NonNullable<RequestStatus["instance"]>;

/** placeOf is how to reach a request's instance, whatever became of its class. */
export function placeOf(instance: Instance): Place {
  return { classRef: instance.classRef, connection: instance.connection };
}

/**
 * deregister removes the runner's registration at GitHub. "removed" and "absent" both mean that there is none any more, by this call or
 * before it. "busy" means that it found work: nobody may stop it then, except where a person or the job's deadline decided so. "stuck"
 * means that GitHub could not be asked; another pass is planned.
 */
export async function deregister(pass: Pass, world: World): Promise<"removed" | "absent" | "busy" | "stuck"> {
  const runner = pass.status.runner;
  if (runner === undefined) return "absent";
  // A runner that ends by itself takes its registration along: the end of its instance ends the minute that a busy one is left alone.
  const kinds: readonly Paused[] = hasEnded(pass.status.instance) ? ["deregister"] : ["deregister", "busy"];
  const left = Math.max(...kinds.map((what) => pass.pauses.left(pass.uid, what, pass.nowMs)));
  if (left > 0) {
    lookAgain(pass, left);
    return "stuck";
  }
  const github = world.github(runner.githubAppRef);
  if (github === undefined) {
    const app = `GitHubApp ${keyText(runner.githubAppRef)}`;
    stuck(
      pass,
      `${app} cannot be used, so ${runner.name} stays registered until it can, or until GitHub drops it after a day offline`,
      pass.periods.busyPauseMs,
    );
    return "stuck";
  }
  const scope = scopeOf(runner.scope);
  try {
    const id = runner.id ?? (await github.findRunner(scope, runner.name, pass.signal))?.id;
    const outcome = id === undefined ? "absent" : await github.deleteRunner(scope, id, pass.signal);
    if (outcome === "busy") {
      if (pass.status.assignedJob === undefined) runner.busySince ??= isoTime(pass.nowMs);
      pass.pauses.pause(pass.uid, hasEnded(pass.status.instance) ? "deregister" : "busy", pass.nowMs, pass.periods.busyPauseMs);
      lookAgain(pass, pass.periods.busyPauseMs);
      return "busy";
    }
    pass.pauses.clear(pass.uid, "deregister");
    pass.pauses.clear(pass.uid, "busy");
    delete pass.status.runner;
    const registered = getCondition(pass.status.conditions, "Registered");
    if (registered?.reason === ("CannotDeregister" satisfies ReasonOf<"Registered">))
      observe(pass.status, "Registered", registered.status, "AttemptEnded", "", pass.nowMs);
    return outcome === "deleted" ? "removed" : "absent";
  } catch (error) {
    if (!isGitHubError(error)) throw error;
    const passing = error.code === "Unavailable" || error.code === "RateLimited";
    stuck(
      pass,
      `${runner.name} cannot be removed at GitHub yet: ${error.message}`,
      error.retryAfterMs ?? (passing ? pass.periods.deregisterRetryMs : pass.periods.busyPauseMs),
    );
    return "stuck";
  }
}

function hasEnded(instance: Instance | undefined): boolean {
  return instance?.state === "Stopped";
}

/** isOff tells whether no registration is left. */
export function isOff(outcome: Awaited<ReturnType<typeof deregister>>): boolean {
  return outcome === "removed" || outcome === "absent";
}

/** Says that the registration cannot be removed: where `kubectl describe` shows it, since a deletion that hangs is a page at night. */
function stuck(pass: Pass, message: string, againMs: number): void {
  const known = getCondition(pass.status.conditions, "Registered")?.status ?? "Unknown";
  observe(pass.status, "Registered", known, "CannotDeregister", message, pass.nowMs);
  pass.events.push({ type: "Warning", reason: "CannotDeregister", action: "Deregister", note: message });
  pass.pauses.pause(pass.uid, "deregister", pass.nowMs, againMs);
  lookAgain(pass, againMs);
}

/** stop asks the provider to end the instance, and again after a while, until it is seen to have ended. */
export async function stop(pass: Pass, world: World, why: string): Promise<void> {
  const instance = pass.status.instance;
  if (instance === undefined || instance.state === "Stopped") return;
  const provider = world.provider(instance.classRef.kind);
  if (provider === undefined) return;
  const asked = instance.stopRequestedAt === undefined ? pass.periods.stopAgainMs : age(pass.nowMs, instance.stopRequestedAt);
  if (asked < pass.periods.stopAgainMs) {
    lookAgain(pass, pass.periods.stopAgainMs - asked);
    return;
  }
  try {
    await provider.delete(placeOf(instance), instance.providerId, why, pass.signal);
    instance.state = "Stopping";
    instance.stopRequestedAt = isoTime(pass.nowMs);
    lookAgain(pass, pass.periods.stopAgainMs);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    // A stop that waits for its turn is nothing to warn of.
    if (error.code !== "Throttled" || error.retryAfterMs === undefined)
      pass.events.push({
        type: "Warning",
        reason: "CannotStop",
        action: "Stop",
        note: `${instance.providerId}: ${error.message}`,
      });
    lookAgain(pass, error.retryAfterMs ?? pass.periods.stopRetryMs);
  }
}

/**
 * retire gives the attempt up: GitHub is asked first, so that no job can be assigned any more, and the instance is stopped only once
 * the registration is gone. With `force` a busy runner is stopped too. Returns whether the runner is on its way out.
 */
export async function retire(pass: Pass, world: World, reason: AttemptReason, message: string, force = false): Promise<boolean> {
  const removed = await deregister(pass, world);
  if (!isOff(removed) && !force) return false;
  const attempt = openAttempt(pass.status);
  if (attempt !== undefined) putAttempt(pass.status, { ...attempt, reason, message });
  await stop(pass, world, message);
  return true;
}

/** tellOfDeletion says once that a runner goes because a person deleted its request, and what goes with it. */
export function tellOfDeletion(pass: Pass): void {
  const { runner, assignedJob } = pass.status;
  if (openAttempt(pass.status)?.reason === ("Deleted" satisfies AttemptReason)) return;
  const job = assignedJob?.state === "InProgress" ? `, and ${assignedJob.repository}: "${assignedJob.name}" with it` : "";
  const note = `the request is being deleted: stopping ${runner?.name ?? "its runner"}${job}`;
  pass.events.push({ type: "Normal", reason: "Deleting", action: "Stop", note });
}

/** closeAttempt ends an attempt whose instance and registration are gone. */
export function closeAttempt({ status, nowMs }: Pass, reason: AttemptReason, message: string): void {
  const attempt = openAttempt(status);
  if (attempt === undefined) return;
  // The instance goes from the status with the attempt, and the circuit breaker of the rung counts by this moment also after a restart.
  const interruptedAt = status.instance?.interruptedAt;
  const ended = { ...attempt, reason, message, ...(interruptedAt !== undefined && { interruptedAt }), endedAt: isoTime(nowMs) };
  putAttempt(status, ended);
}

/** startOver begins anew after an attempt that was closed: the conditions are as at first, and the time of the next attempt is planned. */
export function startOver(pass: Pass): void {
  const { status, nowMs } = pass;
  const { number, reason, message } = lastAttempt(status) ?? {};
  if (number === undefined || reason === undefined) return;
  delete status.instance;
  delete status.assignedJob;
  const plan = nextAttempt(status.attempts, pass.target?.spec.attempts ?? 5, pass.uid, pass.periods);
  const configError = isConfigError(status.attempts);
  const next = `the next one starts at ${isoTime(plan.atMs)}${configError ? ", or when the class or the target changes" : ""}`;
  observe(
    status,
    "Admitted",
    "Unknown",
    configError ? "AwaitingChange" : "AwaitingRetry",
    `attempt ${number} ended: ${reason}: ${message}; ${next}`,
    nowMs,
  );
  if (configError) observe(status, "Launched", "False", "ConfigError", message ?? "", nowMs);
  else observe(status, "Launched", "Unknown", "AttemptEnded", message ?? "", nowMs);
  observe(status, "Registered", "Unknown", "AttemptEnded", "", nowMs);
  observe(status, "Assigned", "Unknown", "AttemptEnded", "", nowMs);
  const note = `attempt ${number} ended: ${message}; ${next}`;
  pass.events.push({ type: "Warning", reason: reason as AttemptReason, action: "Retry", note });
  lookAgain(pass, plan.atMs - nowMs);
}
