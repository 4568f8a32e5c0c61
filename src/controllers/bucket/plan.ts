import type { Uncovered } from "../../accounting/ledger.ts";
import { apiVersion } from "../../api/kind.ts";
import { deliveryAnnotation, replacementName, runnerFinalizer, targetLabel } from "../../api/v1alpha1/names.ts";
import { runnerRequestResource } from "../../api/v1alpha1/resources.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import type { BucketPeriods } from "./periods.ts";

/** maxFastReplacements: a job whose runner strangers take again and again shares its labels with them, and more runners at once only feed them. */
export const maxFastReplacements = 3;

/** Step is what a job that was left alone needs. */
export interface Step {
  readonly uncovered: Uncovered;
  /** When its replacement may be made; undefined once GitHub has given the job up. */
  readonly atMs: number | undefined;
  /** Its fast replacements are used up. */
  readonly starved: boolean;
}

/**
 * planStep says when a job that nobody serves gets another request: after a grace, up to three times for what strangers took, and then
 * one at a time, slowly, until GitHub gives the job up. Each time follows from stored times, so a restart changes nothing.
 */
export function planStep(uncovered: Uncovered, nowMs: number, periods: BucketPeriods): Step {
  const starved = uncovered.lostToStrangers > maxFastReplacements;
  if (nowMs - uncovered.firstMs >= periods.jobLifetimeMs) return { uncovered, atMs: undefined, starved };
  const newestMs = Date.parse(uncovered.newest.metadata.creationTimestamp ?? "");
  const atMs = uncovered.sinceMs + periods.graceMs;
  return { uncovered, atMs: starved ? Math.max(atMs, newestMs + periods.slowReplacementMs) : atMs, starved };
}

/** replacementFor is the request that serves a job after its newest request: the same job, under the next name. */
export function replacementFor(newest: DeepReadonly<RunnerRequest>): RunnerRequest {
  const delivery = newest.metadata.annotations?.[deliveryAnnotation];
  const { targetRef, job, overrides } = newest.spec;
  return {
    apiVersion,
    kind: runnerRequestResource.kind,
    metadata: {
      name: replacementName(newest.metadata.name),
      namespace: newest.metadata.namespace ?? "",
      labels: { [targetLabel]: targetRef.name },
      ...(delivery !== undefined && { annotations: { [deliveryAnnotation]: delivery } }),
      finalizers: [runnerFinalizer],
    },
    spec: {
      targetRef: { ...targetRef },
      source: "Replacement",
      job: { ...job, labels: [...job.labels], state: "Queued" },
      ...(overrides !== undefined && { overrides: { ...overrides } }),
    },
  };
}
