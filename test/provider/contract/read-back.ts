import {
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type ECSClient,
  ListTaskDefinitionsCommand,
} from "@aws-sdk/client-ecs";

/** ReadBack is what ECS itself says of a task: DescribeTasks and DescribeTaskDefinition, by AWS' own client. */
export interface ReadBack {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  /** Undefined where none was asked for and the backend does not tell what comes for free. */
  readonly diskGiB: number | undefined;
  readonly image: string | undefined;
  readonly capacityProvider: string | undefined;
  readonly definitionArn: string;
  readonly exitCode: number | undefined;
}

/** readBackTask reads one task. */
export async function readBackTask(client: ECSClient, cluster: string, id: string, container = "runner"): Promise<ReadBack> {
  const { tasks } = await client.send(new DescribeTasksCommand({ cluster, tasks: [id] }));
  const [task] = tasks ?? [];
  if (task?.taskDefinitionArn === undefined) throw new Error(`ECS does not know the task ${id}`);
  const { taskDefinition } = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition: task.taskDefinitionArn }));
  // A task's own size is that of its overrides, and emulators show it only there.
  const disk = task.overrides?.ephemeralStorage?.sizeInGiB ?? task.ephemeralStorage?.sizeInGiB;
  return {
    cpuUnits: Number(task.overrides?.cpu ?? task.cpu),
    memoryMiB: Number(task.overrides?.memory ?? task.memory),
    diskGiB: disk,
    image: taskDefinition?.containerDefinitions?.find(({ name }) => name === container)?.image,
    capacityProvider: task.capacityProviderName,
    definitionArn: task.taskDefinitionArn,
    exitCode: task.containers?.find(({ name }) => name === container)?.exitCode,
  };
}

/** revisionsOf lists all revisions of a definition's family. */
export async function revisionsOf(client: ECSClient, definitionArn: string): Promise<string[]> {
  const familyPrefix = definitionArn.replace(/^.*task-definition\//, "").replace(/:[0-9]+$/, "");
  const { taskDefinitionArns } = await client.send(new ListTaskDefinitionsCommand({ familyPrefix }));
  return taskDefinitionArns ?? [];
}
