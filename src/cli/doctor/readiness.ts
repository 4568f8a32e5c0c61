import { getCondition, type ReadonlyCondition } from "../../kube/conditions.ts";
import { fail, ok, type Outcome, warn } from "./check.ts";

/** readinessOutcomes say what the operator itself thinks of an object. */
export function readinessOutcomes(
  conditions: readonly ReadonlyCondition[] | undefined,
  generation: number | undefined,
): readonly Outcome[] {
  const ready = getCondition(conditions, "Ready");
  const isRunning = "see that the operator runs and holds its Lease";
  if (ready === undefined) return [warn("the operator has not looked at it yet", isRunning)];
  if (ready.observedGeneration !== generation) return [warn("the operator has not looked at its newest spec yet", isRunning)];
  if (ready.status === "True") return [ok(`the operator says Ready: ${ready.message}`)];
  const message = `the operator says not Ready, ${ready.reason}: ${ready.message}`;
  const advice = "mend what it names; the lines below may say more";
  return [ready.status === "False" ? fail(message, advice) : warn(message, advice)];
}
