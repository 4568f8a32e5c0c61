import type { ContainerOverride, RunTaskRequest, Tag } from "@aws-sdk/client-ecs";
import type { Cluster } from "./clusters.ts";
import type { Definition } from "./definitions.ts";

/** taskStatuses are the values of lastStatus, in the order of a task's life. */
export const taskStatuses = [
  "PROVISIONING",
  "PENDING",
  "ACTIVATING",
  "RUNNING",
  "DEACTIVATING",
  "STOPPING",
  "DEPROVISIONING",
  "STOPPED",
] as const;
export type TaskStatus = (typeof taskStatuses)[number];

export type StopCode =
  | "TaskFailedToStart"
  | "EssentialContainerExited"
  | "UserInitiated"
  | "SpotInterruption"
  | "TerminationNotice"
  | "InfrastructureHealth"
  | "ServiceSchedulerInitiated";

/** ContainerRecord is one container of a task. */
export interface ContainerRecord {
  readonly name: string;
  readonly image: string;
  readonly arn: string;
  readonly runtimeId: string;
  readonly essential: boolean;
  status: "PENDING" | "RUNNING" | "STOPPED";
  exitCode?: number;
  reason?: string;
}

/** TaskRecord is everything the simulator knows about one task. Tests read it; only state/life.ts changes it. */
export interface TaskRecord {
  readonly id: string;
  readonly arn: string;
  readonly cluster: Cluster;
  readonly definition: Definition;
  /** The RunTask call that made the task, as it came in: holds secrets. */
  readonly request: RunTaskRequest;
  readonly startedBy: string | undefined;
  readonly group: string;
  /** What the task runs on: a capacity provider's name, or the launch type if there was no strategy. */
  readonly capacity: string;
  readonly capacityProviderName: string | undefined;
  readonly launchType: "FARGATE" | "EC2" | "EXTERNAL" | "MANAGED_INSTANCES";
  readonly subnet: { readonly id: string; readonly zone: string } | undefined;
  readonly privateAddress: string | undefined;
  readonly containers: readonly ContainerRecord[];
  readonly cpu: string | undefined;
  readonly memory: string | undefined;
  /** Tags as launched. AWS deletes a task's tags at StopTask, `tags` follows that. */
  readonly launchTags: readonly Tag[];
  tags: readonly Tag[];
  lastStatus: TaskStatus;
  desiredStatus: "RUNNING" | "STOPPED";
  version: number;
  stopCode?: StopCode;
  stoppedReason?: string;
  times: {
    readonly createdAt: number;
    connectivityAt?: number;
    pullStartedAt?: number;
    pullStoppedAt?: number;
    startedAt?: number;
    stoppingAt?: number;
    executionStoppedAt?: number;
    stoppedAt?: number;
  };
  /** Reads that still miss the task, for eventual consistency. */
  hiddenReads: number;
  /** Forgotten, as a task is at least an hour after it stopped. */
  expired: boolean;
}

/** isLive tells whether a task has not stopped yet. */
export function isLive(task: Pick<TaskRecord, "lastStatus">): boolean {
  return task.lastStatus !== "STOPPED";
}

/** containerOverride is what RunTask asked to be different in one container. */
export function containerOverride(task: Pick<TaskRecord, "request">, name: string): ContainerOverride | undefined {
  return task.request.overrides?.containerOverrides?.find((override) => override.name === name);
}
