import type { Container, ContainerOverride, Task } from "@aws-sdk/client-ecs";
import type { Instance } from "../../types.ts";
import { toInstance } from "../instance.ts";
import { taskArnPattern } from "../task-arn.ts";

/** Parsed is what a message of the queue turned out to be. */
export type Parsed =
  /** `task` is what the event has of DescribeTasks' answer. */
  | { readonly kind: "change"; readonly task: Task; readonly instance: Instance }
  /** Well-formed, and about something else than a task that an operator started. */
  | { readonly kind: "foreign" }
  /** `why` is a phrase of ours: a body may hold a JIT configuration, so no part of it goes anywhere. */
  | { readonly kind: "unreadable"; readonly why: string };

/** An event of a task has some kilobytes; EventBridge takes none above 256 KiB. */
const maxLength = 256 * 1024;
/** ECS allows ten containers in a task definition; more than that is not from ECS. */
const maxContainers = 10;

/**
 * parseEvent reads a message that EventBridge made of an "ECS Task State Change" (Amazon ECS developer guide). It is total: whatever
 * stands in the message, it answers. Members that it does not know are ignored, and of those that may hold secrets (the environment in
 * the overrides) it takes the names only; of environment files it takes where they are.
 *
 * Tasks are told by their ARN and by startedBy and group, which no other task in the world shares; the cluster adds nothing to that.
 */
export function parseEvent(body: string | undefined): Parsed {
  if (body === undefined || body === "") return unreadable("empty");
  if (body.length > maxLength) return unreadable("too long");
  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    return unreadable("not JSON");
  }
  if (!isObject(event)) return unreadable("not an object");
  if (event["source"] !== "aws.ecs" || event["detail-type"] !== "ECS Task State Change") return { kind: "foreign" };
  const detail = event["detail"];
  if (!isObject(detail)) return unreadable("no detail");
  const task = toTask(detail);
  if (task === undefined) return unreadable("no task in the detail");
  const instance = toInstance(task);
  return instance.requestUid === undefined ? { kind: "foreign" } : { kind: "change", task, instance };
}

/** The members of a task that toInstance reads, as DescribeTasks would give them; undefined for what can be no task's state. */
function toTask(detail: Readonly<Record<string, unknown>>): Task | undefined {
  const taskArn = text(detail["taskArn"]);
  const version = detail["version"];
  const lastStatus = text(detail["lastStatus"]);
  if (taskArn === undefined || !taskArnPattern.test(taskArn) || lastStatus === undefined) return undefined;
  // Without a counter nobody can tell an old event from a new one.
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1) return undefined;
  return {
    taskArn,
    version,
    lastStatus,
    desiredStatus: text(detail["desiredStatus"]),
    startedBy: text(detail["startedBy"]),
    group: text(detail["group"]),
    capacityProviderName: text(detail["capacityProviderName"]),
    availabilityZone: text(detail["availabilityZone"]),
    createdAt: time(detail["createdAt"]),
    startedAt: time(detail["startedAt"]),
    stoppedAt: time(detail["stoppedAt"]),
    stopCode: text(detail["stopCode"]) as Task["stopCode"],
    stoppedReason: text(detail["stoppedReason"]),
    containers: objects(detail["containers"]).map(toContainer),
    overrides: { containerOverrides: objects(member(detail["overrides"], "containerOverrides")).map(toOverride) },
  };
}

function toContainer(container: Readonly<Record<string, unknown>>): Container {
  const exitCode = container["exitCode"];
  return {
    name: text(container["name"]),
    image: text(container["image"]),
    reason: text(container["reason"]),
    ...(typeof exitCode === "number" && Number.isSafeInteger(exitCode) && { exitCode }),
  };
}

/** Which container was given the configuration is told by the names of its variables, without their values. */
function toOverride(override: Readonly<Record<string, unknown>>): ContainerOverride {
  return {
    name: text(override["name"]),
    environment: objects(override["environment"], 1_000).map(({ name }) => ({ name: text(name) })),
    environmentFiles: objects(override["environmentFiles"]).map(({ value }) => ({ type: "s3", value: text(value) })),
  };
}

function unreadable(why: string): Parsed {
  return { kind: "unreadable", why };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objects(value: unknown, most = maxContainers): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.slice(0, most).filter(isObject) : [];
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Events have ISO strings where the API has numbers. */
function time(value: unknown): Date | undefined {
  const date = typeof value === "string" ? new Date(value) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
}
