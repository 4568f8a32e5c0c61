import type { Attempt } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerRecord } from "../../github/types.ts";
import { isTrue } from "../../kube/conditions.ts";
import type { ProviderError } from "../../provider/errors.ts";
import type { Created } from "../../provider/types.ts";
import { observe } from "../../request/status.ts";
import { isoTime } from "../../util/clock.ts";
import type { Held, Launches, Terms } from "./launches.ts";
import { lookAgain, openAttempt, type Pass, putAttempt } from "./pass.ts";
import { plannedStart, type RefusalCode, refusalReasons } from "./retry.ts";

/**
 * recordHeld notes a launch whose answer this process already has and could not store: intake wrote at the same moment. It comes
 * before all other rungs, because whatever that write said, the instance exists and has to be in the status before anything else.
 */
export function recordHeld(pass: Pass, launches: Launches): boolean {
  const held = launches.of(pass.uid);
  if (held?.created === undefined || pass.status.instance !== undefined) return false;
  record(pass, held.attempt, held.terms, held.runner, held.created);
  return true;
}

/** record notes what was started; from here on the instance belongs to the request. */
export function record(pass: Pass, number: number, terms: Terms, runner: RunnerRecord, created: Created): void {
  const { status, nowMs } = pass;
  const now = isoTime(nowMs);
  const { instance } = created;
  pass.pauses.clear(pass.uid, "launch");
  noteRegistration(pass, terms, runner);
  status.instance = {
    providerId: instance.id,
    state: instance.state,
    version: instance.version,
    ...(instance.capacity !== undefined && { capacity: instance.capacity }),
    ...(instance.zone !== undefined && { zone: instance.zone }),
    ...(instance.createdAt !== undefined && { createdAt: instance.createdAt }),
    ...(instance.startedAt !== undefined && { startedAt: instance.startedAt }),
    classRef: { ...terms.place.classRef },
    connection: { ...terms.place.connection },
  };
  const refused = created.refusals.slice(0, 8).map((refusal) => ({ ...refusal }));
  const open = openAttempt(status);
  putAttempt(status, {
    number,
    startedAt: open?.startedAt ?? now,
    ...(open?.tries !== undefined && { tries: open.tries }),
    runnerName: runner.name,
    providerId: instance.id,
    ...(instance.capacity !== undefined && { capacity: instance.capacity }),
    ...(refused.length > 0 && { refused }),
  });
  status.timings.launchedAt = now;
  const where = instance.capacity === undefined ? "" : ` on ${instance.capacity}`;
  if (!isTrue(status.conditions, "Admitted")) observe(status, "Admitted", "True", "SlotFree", "its runner was started", nowMs);
  observe(status, "Launched", "True", "Accepted", `runner ${runner.name} was accepted${where}`, nowMs);
  if (!isTrue(status.conditions, "Registered")) observe(status, "Registered", "Unknown", "AwaitingRegistration", "", nowMs);
  if (!isTrue(status.conditions, "Assigned")) observe(status, "Assigned", "Unknown", "AwaitingJob", "", nowMs);
  // In the order in which it happened: what was passed over, then where the runner is.
  for (const { capacity, reason, message } of refused) {
    const note = `${capacity} is passed over: ${message} (${reason})`;
    pass.events.push({ type: "Warning", reason: "CapacityRefused", action: "Launch", note });
  }
  const note = `started runner ${runner.name}${where}${created.adopted ? " (found again)" : ""}, ${shortId(instance.id)}`;
  pass.events.push({ type: "Normal", reason: "Launched", action: "Launch", note });
}

/** An ARN without what all of them begin with; the whole one is in the status. */
function shortId(id: string): string {
  return id.slice(id.lastIndexOf(":") + 1);
}

/** refuse notes a definite refusal: nothing was started, the attempt stays open and its configuration is kept for the next try. */
export function refuse(pass: Pass, held: Held, error: ProviderError, code: RefusalCode): void {
  const { status, nowMs } = pass;
  const now = isoTime(nowMs);
  noteRegistration(pass, held.terms, held.runner);
  // Not what the call before was refused: the backend may have failed before it came to any rung.
  const { refused: _, ...open }: Attempt = openAttempt(status) ?? { number: held.attempt, startedAt: now };
  const refused = error.refusals.slice(0, 8).map((refusal) => ({ ...refusal }));
  const tries = (open.tries ?? 0) + 1;
  putAttempt(status, { ...open, runnerName: held.runner.name, tries, triedAt: now, ...(refused.length > 0 && { refused }) });
  observe(status, "Launched", code === "InvalidRequest" ? "False" : "Unknown", refusalReasons[code], error.message, nowMs);
  pass.events.push({ type: "Warning", reason: refusalReasons[code], action: "Launch", note: error.message });

  const plan = plannedStart(pass);
  if (plan === undefined) return;
  lookAgain(pass, plan.atMs - nowMs);
  if (!plan.slow) return;
  // The slot goes to somebody who can use it; a later try asks for one again.
  const waitsFor = code === "InvalidRequest" ? ("AwaitingChange" as const) : ("AwaitingRetry" as const);
  const message = `${error.message}; tried again after ${isoTime(plan.atMs)}, or when the class or the target changes`;
  observe(status, "Admitted", "Unknown", waitsFor, message, nowMs);
}

function noteRegistration(pass: Pass, terms: Terms, runner: RunnerRecord): void {
  pass.status.runner = {
    name: runner.name,
    ...(runner.id > 0 && { id: runner.id }),
    labels: [...runner.labels],
    scope: { ...terms.scope },
    githubAppRef: { ...terms.githubAppRef },
  };
}
