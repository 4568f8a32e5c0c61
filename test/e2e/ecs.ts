import { CreateClusterCommand, DescribeTasksCommand, ECSClient, ListTasksCommand, type Task } from "@aws-sdk/client-ecs";
import { RegisterTaskDefinitionCommand, RunTaskCommand } from "@aws-sdk/client-ecs";
import type { RunnerImage } from "./runner-image.ts";
import { until } from "../support/until.ts";

/** region and ecsCluster are where the runners run. */
export const region = "eu-west-1";
export const ecsCluster = "runners";

/** Ecs is the emulated account, seen with AWS' own client. */
export class Ecs {
  readonly url: string;
  readonly client: ECSClient;
  readonly #cluster: string;

  constructor(
    url: string,
    credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
    where: { readonly region?: string; readonly cluster?: string } = {},
  ) {
    this.url = url;
    this.client = new ECSClient({ region: where.region ?? region, endpoint: url, credentials });
    this.#cluster = where.cluster ?? ecsCluster;
  }

  /** Makes the cluster, and proves that tasks really run: without its container engine the emulator would only pretend. */
  async prepare(image: RunnerImage): Promise<void> {
    await this.client.send(
      new CreateClusterCommand({ clusterName: this.#cluster, capacityProviders: ["FARGATE", "FARGATE_SPOT"] }),
    );
    const probe = {
      name: "probe",
      image: image.name,
      essential: true,
      command: [image.command[0] ?? "", "-e", "process.exit(23)"],
    };
    await this.client.send(new RegisterTaskDefinitionCommand({ family: "probe", containerDefinitions: [probe] }));
    const { tasks } = await this.client.send(new RunTaskCommand({ cluster: this.#cluster, taskDefinition: "probe" }));
    const [task] = tasks ?? [];
    if (task?.lastStatus !== "PROVISIONING") {
      throw new Error(`the ECS emulator has no container engine: its first task is ${task?.lastStatus ?? "missing"} at once`);
    }
    await until("the end of a first task", 30_000, async () => {
      const found = (await this.tasks()).find(({ taskArn }) => taskArn === task.taskArn);
      if (found?.containers?.[0]?.exitCode !== 23) throw new Error(`it is ${found?.lastStatus}: ${found?.stoppedReason}`);
    });
  }

  /** Every task there is and was. */
  async tasks(): Promise<Task[]> {
    const found: Task[] = [];
    for (const desiredStatus of ["RUNNING", "STOPPED"] as const) {
      let nextToken: string | undefined;
      do {
        const page = await this.client.send(
          new ListTasksCommand({ cluster: this.#cluster, desiredStatus, ...(nextToken !== undefined && { nextToken }) }),
        );
        const tasks = page.taskArns ?? [];
        if (tasks.length > 0) {
          found.push(...((await this.client.send(new DescribeTasksCommand({ cluster: this.#cluster, tasks }))).tasks ?? []));
        }
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
    }
    return found;
  }

  /** The tasks of a request. */
  async tasksOf(requestUid: string): Promise<Task[]> {
    return (await this.tasks()).filter(({ startedBy }) => startedBy === requestUid);
  }

  async live(): Promise<Task[]> {
    return (await this.tasks()).filter(({ lastStatus }) => lastStatus !== "STOPPED");
  }

  close(): void {
    this.client.destroy();
  }
}
