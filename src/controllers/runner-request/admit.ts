import type { ReasonOf } from "../../api/v1alpha1/reasons.ts";
import { getCondition, isTrue } from "../../kube/conditions.ts";
import { keyText } from "../../kube/object.ts";
import { missingLabels } from "../../request/coverage.ts";
import { observe } from "../../request/status.ts";
import type { Launches } from "./launches.ts";
import { lookAgain, type Pass } from "./pass.ts";
import { rejectionOf } from "./rejection.ts";
import { plannedStart } from "./retry.ts";
import type { SlotLedger } from "./slots.ts";
import { readiness, targetKeyOf, type World } from "./world.ts";

/** Admission is what a request may do: launch, launch once that is stored, take in a runner that is there already, or wait. */
export type Admission = "admitted" | "stored-first" | "adopt-only" | "waiting";

/**
 * admit gives the request one of its target's slots, or says what it waits for. It never fails: everything it waits for wakes it, a
 * change of the target, of the class behind it, or a freed slot.
 *
 * Returns "stored-first" when the grant must be in the API server before anything is launched: while more requests ask than fit,
 * a new leader that does not know of an unstored grant could give the slot away a second time. Until a new leader has `counted` what
 * the one before it started, nobody is granted a contended slot at all.
 *
 * A grant that nothing was started with yet is looked at again in every pass: the target may be paused or changed meanwhile.
 */
export function admit(pass: Pass, world: World, slots: SlotLedger, counted: boolean, launches: Launches): Admission {
  const { status, target, nowMs } = pass;
  const granted = isTrue(status.conditions, "Admitted");
  if (granted && !isRevocable(pass, counted, launches)) return "admitted";

  const wait = (): "waiting" => {
    slots.release(pass.request);
    return "waiting";
  };
  if (status.assignedJob?.state === "InProgress") {
    // An earlier process started the runner without storing it, and GitHub already gave it a job: it counts, whatever the limit says.
    observe(status, "Admitted", "True", "SlotFree", "its runner already works", nowMs);
    return "admitted";
  }
  const needed = pass.isNeeded();
  if (status.job.state !== "Queued" || !needed) {
    if (!needed) {
      observe(status, "Admitted", "Unknown", "NotNeeded", "no job of the target that waits needs the runner", nowMs);
      return wait();
    }
    // Needed for another job of the target; nothing tells this request when that one goes away.
    lookAgain(pass, pass.periods.stillNeededMs);
  }
  const found =
    slots.found(pass.request) !== undefined ? "found" : counted || !launches.isInherited(pass.uid) ? "none" : "unknown";
  const stand = standOf(pass, world, found);
  if (stand === "adopt-only") return stand;
  if (stand === "waiting" || target === undefined) return wait();

  if (granted) return "admitted";
  const max = target.spec.maxRunners;
  const claim = slots.claim(pass.request, max, counted);
  if (claim.counting) return waitForCount(pass);
  if (claim.adoptOnly) return "adopt-only";
  if (!claim.granted) {
    const full = `RunnerTarget ${target.metadata.name} has all of its ${max} runners`;
    const message = `${full}; ${placeInWords(slots.ahead(pass.request))}`;
    tellOfWait(pass, "TargetAtCapacity", `${full}; the request waits for its turn`);
    // The queue moves without a word to those who stand in it.
    lookAgain(pass, pass.periods.queuePlaceMs);
    observe(status, "Admitted", "Unknown", "TargetAtCapacity", message, nowMs);
    return "waiting";
  }
  observe(status, "Admitted", "True", "SlotFree", `one of the ${max} runners of RunnerTarget ${target.metadata.name}`, nowMs);
  return claim.contended ? "stored-first" : "admitted";
}

const counting = "counting the runners that an earlier leader started";

function waitForCount({ status, nowMs }: Pass): "waiting" {
  // The word of the leader before this one stands meanwhile: two writes for each request of a long queue would be a storm at every change.
  if (getCondition(status.conditions, "Admitted")?.reason !== "TargetAtCapacity")
    observe(status, "Admitted", "Unknown", "AwaitingAdmission", counting, nowMs);
  return "waiting";
}

/**
 * Where a request stands with its target, before anybody asks for a slot: what keeps it waiting is in the condition then.
 *
 * @param unrecorded whether a runner that an earlier process started without storing it was found.
 */
function standOf(pass: Pass, world: World, unrecorded: "found" | "none" | "unknown"): "served" | "adopt-only" | "waiting" {
  const { status, target, nowMs } = pass;
  const waits = (value: "False" | "Unknown", reason: ReasonOf<"Admitted">, message: string): "waiting" => {
    observe(status, "Admitted", value, reason, message.slice(0, 300).toWellFormed(), nowMs);
    return "waiting";
  };
  // False and not Unknown: finish counts from this change how long the request has had no target.
  if (target === undefined)
    return waits("False", "TargetNotFound", `RunnerTarget ${keyText(targetKeyOf(pass.request))} does not exist`);
  const { name } = target.metadata;
  const missing = missingLabels(pass.request, target);
  if (missing.length > 0) {
    const message = `RunnerTarget ${name} has no label ${missing.join(", ")} any more, so its runners would not get the job`;
    return waits("False", "LabelsChanged", message);
  }
  if (!pauseIsOver(pass)) return "waiting";
  // Its runner is there, whatever the target says by now.
  const found = unrecorded === "found";
  const rejected = found ? undefined : rejectionOf(pass.request, target, world);
  if (rejected !== undefined)
    return unrecorded === "none" ? waits("False", "Rejected", rejected) : waits("Unknown", "AwaitingAdmission", counting);
  if (target.spec.paused) {
    if (found) return "adopt-only";
    const message = `RunnerTarget ${name} is paused; set spec.paused to false to go on`;
    tellOfWait(pass, "TargetPaused", message);
    return waits("Unknown", "TargetPaused", message);
  }
  const ready = readiness(target);
  if (ready?.status === "True") return "served";
  if (found) return "adopt-only";
  const why = ready === undefined ? "its newest spec was not checked yet" : `${ready.reason}: ${ready.message}`;
  // Before the first check it is not Ready for a moment only, which is no news.
  if (ready !== undefined) tellOfWait(pass, "TargetNotReady", `RunnerTarget ${name} is not Ready: ${why}`);
  return waits("Unknown", "TargetNotReady", `RunnerTarget ${name} is not Ready: ${why}`);
}

/** Says once that a wait begins, so that `kubectl describe` still tells why a runner came late when the condition has moved on. */
function tellOfWait(pass: Pass, reason: "TargetAtCapacity" | "TargetPaused" | "TargetNotReady", note: string): void {
  if (getCondition(pass.status.conditions, "Admitted")?.reason === reason) return;
  pass.events.push({ type: reason === "TargetNotReady" ? "Warning" : "Normal", reason, action: "Admit", note });
}

/** Whether nothing was started with the slot yet, so that it can be taken back: a grant may wait for GitHub or capacity for hours. */
function isRevocable({ status, uid }: Pass, counted: boolean, launches: Launches): boolean {
  if (isTrue(status.conditions, "Launched") || status.instance !== undefined) return false;
  if (launches.of(uid)?.called !== undefined) return false;
  // The process that granted it may have used it without storing that; until the census, nobody knows.
  return counted || !launches.isInherited(uid);
}

const places = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] as const;

/** A place in steps, so that a queue of a thousand that moves by one is not a thousand writes. */
function placeInWords(ahead: number): string {
  if (ahead === 0) return "the request is the next to get one";
  const place = places.find((step) => ahead < step);
  return place === undefined ? `more than ${places.at(-1)} requests are ahead` : `fewer than ${place} requests are ahead`;
}

/**
 * Whether the pause after an attempt is over. Only the reasons AwaitingRetry and AwaitingChange stand for a pause: once it was over
 * and the request went on to wait for a slot, it does not begin again. A change of class or target cuts it short.
 */
function pauseIsOver(pass: Pass): boolean {
  const reason = getCondition(pass.status.conditions, "Admitted")?.reason;
  if (pass.woken || (reason !== "AwaitingRetry" && reason !== "AwaitingChange")) return true;
  const plan = plannedStart(pass);
  if (plan === undefined || plan.atMs <= pass.nowMs) return true;
  lookAgain(pass, plan.atMs - pass.nowMs);
  return false;
}
