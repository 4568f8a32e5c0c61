import type { ContainerRecord, TaskRecord } from "./task.ts";
import { containerOverride } from "./task.ts";

type Wire = Record<string, unknown>;

/** taskShape renders a task as DescribeTasks does: absent fields stay absent, times are epoch seconds with a fraction. */
export function taskShape(task: TaskRecord, options: { readonly tags: boolean }): Wire {
  return {
    ...commonShape(task, (ms) => ms / 1000),
    ...(options.tags ? { tags: task.tags } : {}),
  };
}

/** eventDetail renders a task as a state change event does: times are ISO strings, no tags, no health. */
export function eventDetail(task: TaskRecord, nowMs: number): Wire {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const { healthStatus: _, ...shape } = commonShape(task, iso);
  return { ...shape, updatedAt: iso(nowMs) };
}

function commonShape(task: TaskRecord, time: (ms: number) => unknown): Wire {
  const times = Object.fromEntries(Object.entries(task.times).map(([name, ms]) => [name, time(ms)]));
  const fargate = task.launchType === "FARGATE";
  return defined({
    attachments: attachments(task),
    attributes: [
      {
        name: "ecs.cpu-architecture",
        value: task.definition.request.runtimePlatform?.cpuArchitecture?.toLowerCase() ?? "x86_64",
      },
    ],
    availabilityZone: task.subnet?.zone,
    capacityProviderName: task.capacityProviderName,
    clusterArn: task.cluster.arn,
    connectivity: task.times.connectivityAt === undefined ? undefined : "CONNECTED",
    containers: task.containers.map((container) => containerShape(container, task)),
    cpu: task.cpu,
    desiredStatus: task.desiredStatus,
    enableExecuteCommand: task.request.enableExecuteCommand ?? false,
    ephemeralStorage: fargate ? { sizeInGiB: disk(task) } : undefined,
    group: task.group,
    healthStatus: "UNKNOWN",
    lastStatus: task.lastStatus,
    launchType: task.launchType,
    memory: task.memory,
    overrides: overridesShape(task),
    platformFamily: fargate ? "Linux" : undefined,
    platformVersion: fargate ? platformVersion(task) : undefined,
    startedBy: task.startedBy,
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    taskArn: task.arn,
    taskDefinitionArn: task.definition.arn,
    version: task.version,
    ...times,
  });
}

function containerShape(container: ContainerRecord, task: TaskRecord): Wire {
  return defined({
    containerArn: container.arn,
    taskArn: task.arn,
    name: container.name,
    image: container.image,
    runtimeId: container.status === "PENDING" ? undefined : container.runtimeId,
    lastStatus: container.status,
    exitCode: container.exitCode,
    reason: container.reason,
    networkInterfaces:
      task.privateAddress === undefined ? [] : [{ attachmentId: task.id.slice(0, 8), privateIpv4Address: task.privateAddress }],
    healthStatus: "UNKNOWN",
  });
}

function attachments(task: TaskRecord): readonly Wire[] {
  if (task.subnet === undefined) {
    return [];
  }
  const status =
    task.lastStatus === "PROVISIONING"
      ? "PRECREATED"
      : task.lastStatus === "STOPPED"
        ? "DELETED"
        : task.lastStatus === "DEPROVISIONING"
          ? "DETACHING"
          : "ATTACHED";
  return [
    {
      id: task.id.slice(0, 8),
      type: "ElasticNetworkInterface",
      status,
      details: [
        { name: "subnetId", value: task.subnet.id },
        { name: "networkInterfaceId", value: `eni-${task.id.slice(0, 17)}` },
        ...(task.privateAddress === undefined ? [] : [{ name: "privateIPv4Address", value: task.privateAddress }]),
      ],
    },
  ];
}

function overridesShape(task: TaskRecord): Wire {
  const overrides = task.request.overrides ?? {};
  return {
    ...overrides,
    containerOverrides: task.containers.map(({ name }) => containerOverride(task, name) ?? { name }),
    inferenceAcceleratorOverrides: overrides.inferenceAcceleratorOverrides ?? [],
  };
}

function disk(task: TaskRecord): number {
  return task.request.overrides?.ephemeralStorage?.sizeInGiB ?? task.definition.request.ephemeralStorage?.sizeInGiB ?? 20;
}

function platformVersion(task: TaskRecord): string {
  const asked = task.request.platformVersion ?? "LATEST";
  return asked === "LATEST" ? "1.4.0" : asked;
}

function defined(shape: Wire): Wire {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined));
}
