import type { ECSRunnerClassSpec, ECSRunnerClassStatus } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { CheckResult, Finding, ResolvedClass } from "../types.ts";
import { capacityFindings } from "./check-capacity.ts";
import { clusterState, listFindings } from "./check-cluster.ts";
import { definitionState, type StoredDefinition } from "./check-definitions.ts";
import { formFindings } from "./check-form.ts";
import type { EcsApi } from "./clients.ts";
import { checkDelivery } from "./delivery-check.ts";
import type { Lessons } from "./lessons.ts";
import type { S3Store } from "./s3-store.ts";
import type { TaskDefinitions } from "./task-definitions.ts";

/** CheckParts is what a check asks, and what it remembers. */
export interface CheckParts {
  readonly api: EcsApi;
  readonly definitions: TaskDefinitions;
  readonly lessons: Lessons;
  readonly store: S3Store;
  readonly nowMs: number;
}

/**
 * checkClass is what stands behind a class' Ready condition. It returns what a person has to mend, and throws what passes by itself
 * (Unavailable, Throttled, Internal): the last known state holds then. Findings come in the order in which they are worth mending.
 */
export async function checkClass(
  { api, definitions, lessons, store, nowMs }: CheckParts,
  cls: ResolvedClass<ECSRunnerClassSpec>,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { spec } = cls;
  const byForm = formFindings(spec);
  const cluster = await clusterState(api, spec, signal);
  // Without a right to the cluster nothing further can be learnt; an invalid image must not be registered.
  if ([...cluster.findings, ...byForm].some(isInTheWay)) return { findings: [...cluster.findings, ...byForm] };
  const { associated } = cluster;
  const capacity = associated === undefined ? [] : await capacityFindings(api, spec, associated, signal);
  const definition = await definitionState({ api, definitions, spec, nowMs, signal }, storedDefinitions(cls));
  const rights = associated === undefined ? [] : await listFindings(api, spec, signal);
  // What else a class names comes before what only launches have shown.
  const delivery = await checkDelivery(store, spec, signal);
  const found = [...cluster.findings, ...capacity, ...definition.findings, ...rights, ...delivery, ...byForm];
  const findings = [...found, ...learntBeside(found, lessons.findings(cls))];
  return { findings, status: { taskDefinitions: definition.taskDefinitions } };
}

function isInTheWay({ severity, reason }: Finding): boolean {
  return severity === "Error" && (reason === "Unauthorized" || reason === "ImageInvalid");
}

/** The definitions that the class' status names, as an earlier check left them. */
function storedDefinitions({ status }: ResolvedClass<ECSRunnerClassSpec>): readonly StoredDefinition[] {
  return (status as ECSRunnerClassStatus | undefined)?.taskDefinitions ?? [];
}

/** A launch is refused for what the check finds itself, too: said once is enough. */
function learntBeside(found: readonly Finding[], learnt: readonly Finding[]): Finding[] {
  return learnt.filter(({ severity, reason }) => !found.some((other) => other.severity === severity && other.reason === reason));
}
