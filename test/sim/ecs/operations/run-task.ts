import type { Failure, RunTaskRequest, Tag } from "@aws-sdk/client-ecs";
import { ApiError, clientException } from "../api-error.ts";
import type { Call, Context, Operation } from "../context.ts";
import { checkRunTask } from "../limits/run-task.ts";
import { newId } from "../state/account.ts";
import type { Cluster } from "../state/clusters.ts";
import type { Definition } from "../state/definitions.ts";
import { isLive, type TaskRecord } from "../state/task.ts";
import { taskShape } from "../state/task-shape.ts";
import { checkAgainstDefinition } from "./run-task-definition.ts";
import { type Placement, resolvePlacement } from "./run-task-placement.ts";

/** runTask launches tasks, or says in `failures` why not; the same token and request give the same tasks again. */
export const runTask: Operation<RunTaskRequest> = (context, request, call) => {
  checkRunTask(request);
  const cluster = context.clusters.get(request.cluster);
  const now = context.clock.now();
  const earlier = context.tokens.earlier(cluster.name, request, now);
  if (earlier !== undefined) {
    return { tasks: earlier.map((task) => taskShape(task, { tags: true })), failures: [] };
  }
  const definition = context.definitions.runnable(request.taskDefinition ?? "");
  const placement = resolvePlacement(context, cluster, request);
  checkAgainstDefinition(context, request, definition, placement);

  const { tasks, failures } = launch(context, request, cluster, definition, placement, call);
  if (tasks.length > 0 || context.tokensSurviveFailures) {
    context.tokens.record(cluster.name, request, tasks, now);
  }
  const reply = { tasks: tasks.map((task) => taskShape(task, { tags: true })), failures };
  for (const task of tasks) {
    context.life.start(task);
  }
  return reply;
};

function launch(
  context: Context,
  request: RunTaskRequest,
  cluster: Cluster,
  definition: Definition,
  placement: Placement,
  call: Call,
): { readonly tasks: readonly TaskRecord[]; readonly failures: readonly Failure[] } {
  if (call.failures !== undefined) {
    return { tasks: [], failures: call.failures };
  }
  const count = request.count ?? 1;
  if (placement.launchType === "FARGATE") {
    context.throttle.take("fargateRunTask");
    for (let unit = 0; unit < count; unit++) {
      context.throttle.take(placement.name === "FARGATE_SPOT" ? "fargateSpotLaunch" : "fargateOnDemandLaunch");
    }
  }
  checkProvisioningQuota(context, cluster);
  const tasks: TaskRecord[] = [];
  const failures: Failure[] = [];
  for (let unit = 0; unit < count; unit++) {
    const live = context.tasks.all().filter((task) => isLive(task) && task.capacity === placement.name).length;
    const failure = context.capacity.take(placement.name, live);
    if (failure === undefined) {
      const task = makeTask(context, request, cluster, definition, placement);
      context.tasks.add(task);
      tasks.push(task);
    } else {
      failures.push(failure);
    }
  }
  return { tasks, failures };
}

const provisioningQuota = 500;

function checkProvisioningQuota(context: Context, cluster: Cluster): void {
  const waiting = context.tasks
    .all()
    .filter((task) => task.cluster === cluster && task.lastStatus === "PROVISIONING" && context.capacity.isHeld(task.capacity));
  if (waiting.length >= provisioningQuota) {
    throw clientException(`You've reached the limit on the number of tasks in the PROVISIONING state (${provisioningQuota}).`);
  }
}

function makeTask(
  context: Context,
  request: RunTaskRequest,
  cluster: Cluster,
  definition: Definition,
  placement: Placement,
): TaskRecord {
  const id = newId();
  const arn = context.account.arn(`task/${cluster.name}/${id}`);
  const place = context.network.place(request.networkConfiguration?.awsvpcConfiguration?.subnets ?? []);
  const tags = taskTags(request, definition);
  return {
    id,
    arn,
    cluster,
    definition,
    request,
    startedBy: request.startedBy,
    group: request.group ?? `family:${definition.family}`,
    capacity: placement.name,
    capacityProviderName: placement.byStrategy ? placement.name : undefined,
    launchType: placement.launchType,
    subnet: place,
    privateAddress: place?.address,
    containers: (definition.request.containerDefinitions ?? []).map((container) => ({
      name: container.name ?? "",
      image: container.image ?? "",
      arn: context.account.arn(`container/${cluster.name}/${id}/${crypto.randomUUID()}`),
      runtimeId: `${id}-${Math.floor(context.clock.now() / 1000)}`,
      essential: container.essential !== false,
      status: "PENDING",
    })),
    cpu: request.overrides?.cpu ?? definition.request.cpu,
    memory: request.overrides?.memory ?? definition.request.memory,
    launchTags: tags,
    tags,
    lastStatus: "PROVISIONING",
    desiredStatus: "RUNNING",
    version: 1,
    times: { createdAt: context.clock.now() },
    hiddenReads: context.hiddenReads(),
    expired: false,
  };
}

function taskTags(request: RunTaskRequest, definition: Definition): readonly Tag[] {
  const own = request.tags ?? [];
  const inherited = request.propagateTags === "TASK_DEFINITION" ? definition.tags : [];
  const tags = [...own, ...inherited.filter((tag) => !own.some(({ key }) => key === tag.key))];
  if (tags.length > 50) {
    throw new ApiError("InvalidParameterException", "Too many tags: a task can have at most 50, propagated ones included.", {
      violation: "limit",
    });
  }
  return tags;
}
