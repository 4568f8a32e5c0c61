import type { DescribeTasksRequest, ListTasksRequest, StopTaskRequest } from "@aws-sdk/client-ecs";
import { ApiError, invalidParameter } from "../api-error.ts";
import type { Operation } from "../context.ts";
import type { TaskRecord } from "../state/task.ts";
import { taskShape } from "../state/task-shape.ts";
import { page } from "./page.ts";

/** describeTasks reads up to 100 tasks; unknown ones are failures with the reason MISSING. */
export const describeTasks: Operation<DescribeTasksRequest> = (context, request) => {
  const references = request.tasks ?? [];
  if (references.length === 0) {
    throw invalidParameter("Tasks cannot be empty.");
  }
  if (references.length > 100) {
    throw invalidParameter(`Tasks can have at most 100 items, got ${references.length}.`);
  }
  const cluster = context.clusters.get(request.cluster);
  const tags = request.include?.includes("TAGS") === true;
  const tasks: unknown[] = [];
  const failures: unknown[] = [];
  for (const reference of new Set(references)) {
    const task = context.tasks.find(cluster, reference);
    if (task === undefined || isHidden(task)) {
      const arn = reference.startsWith("arn:") ? reference : context.account.arn(`task/${cluster.name}/${reference}`);
      failures.push({ arn, reason: "MISSING" });
    } else {
      tasks.push(taskShape(task, { tags }));
    }
  }
  return { tasks, failures };
};

/** listTasks pages through the ARNs of a cluster's tasks; startedBy goes with no other filter. */
export const listTasks: Operation<ListTasksRequest> = (context, request) => {
  const cluster = context.clusters.get(request.cluster);
  const { startedBy, family, launchType, desiredStatus, containerInstance, serviceName } = request;
  if (
    startedBy !== undefined &&
    [family, launchType, desiredStatus, containerInstance, serviceName].some((filter) => filter !== undefined)
  ) {
    throw invalidParameter("If you specify a startedBy value, it must be the only filter that you use.");
  }
  if (desiredStatus !== undefined && !["RUNNING", "PENDING", "STOPPED"].includes(desiredStatus)) {
    throw invalidParameter(`Unknown desiredStatus ${desiredStatus}.`);
  }
  if (containerInstance !== undefined || serviceName !== undefined) {
    throw new ApiError("InvalidParameterException", "The simulator has no container instances and no services.", {
      violation: "unsupported",
    });
  }
  const all = context.tasks.all();
  const matching = all.filter(
    (task) =>
      task.cluster === cluster &&
      task.desiredStatus === (desiredStatus ?? "RUNNING") &&
      (startedBy === undefined || task.startedBy === startedBy) &&
      (family === undefined || task.definition.family === family) &&
      (launchType === undefined || task.launchType === launchType),
  );
  const { items, nextToken } = page(
    matching.filter((task) => !isHidden(task)).map((task) => task.arn),
    all.map((task) => task.arn),
    request,
  );
  return { taskArns: items, ...(nextToken === undefined ? {} : { nextToken }) };
};

/** stopTask asks a task to stop and returns at once; the task's tags are gone from then on. */
export const stopTask: Operation<StopTaskRequest> = (context, request) => {
  if (request.reason !== undefined && request.reason.length > 255) {
    throw invalidParameter(`Reason can have at most 255 characters, got ${request.reason.length}.`);
  }
  const cluster = context.clusters.get(request.cluster);
  const task = context.tasks.find(cluster, request.task ?? "");
  if (task === undefined) {
    throw new ApiError("InvalidParameterException", "The referenced task was not found.");
  }
  task.tags = [];
  context.life.requestStop(task, "UserInitiated", request.reason ?? "Task stopped by user");
  return { task: taskShape(task, { tags: true }) };
};

function isHidden(task: TaskRecord): boolean {
  if (task.hiddenReads > 0) {
    task.hiddenReads -= 1;
    return true;
  }
  return false;
}
