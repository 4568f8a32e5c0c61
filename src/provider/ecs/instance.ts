import type { Container, Task } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { parseRunnerName } from "../../api/v1alpha1/names.ts";
import { isoTime } from "../../util/clock.ts";
import type { Instance, InstanceState } from "../types.ts";
import { jitConfigVariable } from "./jit-config-variable.ts";
import { stopCause } from "./stop-cause.ts";
import { registeredInOf } from "./tags.ts";

/** toInstance reads a task as ECS describes it. With a class' ladder it also tells the rung; a task stopping has no tags to tell it. */
export function toInstance(task: Task, ladder: ECSRunnerClassSpec["capacity"] = []): Instance {
  const state = toState(task);
  const runner = runnerContainer(task);
  const exitCode = state === "Stopped" ? runner?.exitCode : undefined;
  return {
    id: task.taskArn ?? "",
    state,
    version: task.version ?? 0,
    ...identity(task),
    registeredIn: registeredInOf(task.tags),
    capacity: rungOf(task.capacityProviderName, ladder),
    zone: nonEmpty(task.availabilityZone),
    createdAt: time(task.createdAt),
    startedAt: time(task.startedAt),
    stoppedAt: time(task.stoppedAt),
    exitCode,
    ...(isEnding(task, state) && {
      stop: stopCause({
        stopCode: nonEmpty(task.stopCode),
        stoppedReason: nonEmpty(task.stoppedReason),
        capacityProviderName: nonEmpty(task.capacityProviderName),
        exitCode,
        ending: state !== "Stopped",
        containerReasons: [runner, ...(task.containers ?? []).filter((container) => container !== runner)].flatMap(
          (container) => nonEmpty(container?.reason) ?? [],
        ),
      }),
    }),
  };
}

/** identity tells whose runner a task is: startedBy is the request's uid and group the runner's name. Neither can be lost, unlike tags. */
export function identity(task: Task): Pick<Instance, "requestUid" | "runnerName" | "attempt"> {
  const requestUid = nonEmpty(task.startedBy);
  const parsed = parseRunnerName(task.group ?? "");
  if (requestUid === undefined || !uid.test(requestUid) || parsed === undefined) return {};
  return { requestUid, runnerName: task.group, attempt: parsed.attempt };
}

/** toState maps lastStatus and desiredStatus; a status that is not known here counts by what is desired. */
export function toState({ lastStatus, desiredStatus }: Pick<Task, "lastStatus" | "desiredStatus">): InstanceState {
  switch (lastStatus) {
    case "STOPPED":
    case "DELETED":
      return "Stopped";
    case "DEACTIVATING":
    case "STOPPING":
    case "DEPROVISIONING":
      return "Stopping";
    case "RUNNING":
      return desiredStatus === "STOPPED" ? "Stopping" : "Running";
    case undefined:
    default:
      return desiredStatus === "STOPPED" ? "Stopping" : "Pending";
  }
}

const uid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A stopping task is worth a cause only once ECS gives one: the exit of a container comes before its reason. */
function isEnding(task: Task, state: InstanceState): boolean {
  return state === "Stopped" || (state === "Stopping" && nonEmpty(task.stopCode) !== undefined);
}

/** runnerContainer is the runner among the containers of a task: with more than one, that which was given the JIT configuration. */
export function runnerContainer(task: Task): Container | undefined {
  const containers = task.containers ?? [];
  if (containers.length === 1) return containers[0];
  const override = task.overrides?.containerOverrides?.find(
    ({ environment, environmentFiles }) =>
      environment?.some(({ name }) => name === jitConfigVariable) === true || (environmentFiles ?? []).length > 0,
  );
  return containers.find(({ name }) => name === (override?.name ?? "runner"));
}

function rungOf(provider: string | undefined, ladder: ECSRunnerClassSpec["capacity"]): string | undefined {
  return ladder.find((rung) => rung.providers.some(({ name }) => name === provider))?.name;
}

function time(date: Date | undefined): string | undefined {
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : isoTime(date.getTime());
}

/** Emulators answer "" where ECS leaves a field out. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === null || text === "" ? undefined : text;
}
