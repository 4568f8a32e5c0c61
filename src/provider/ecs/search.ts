import type { ListTasksCommandInput, Task } from "@aws-sdk/client-ecs";
import type { EcsApi } from "./clients.ts";

/** describeBatch is how many tasks DescribeTasks takes. */
export const describeBatch = 100;

/**
 * findByRequest finds the tasks that were started for a request and not asked to stop yet. ECS allows no other filter beside
 * startedBy, so it sees tasks whose desired status is RUNNING only.
 */
export function findByRequest(api: EcsApi, cluster: string, requestUid: string, signal: AbortSignal): AsyncGenerator<Task> {
  return find(api, { cluster, startedBy: requestUid }, signal);
}

/**
 * findAll finds every task of a cluster that was not asked to stop yet, tags included. The task definition's family would narrow it
 * down, but not to the families of a class as it was yesterday, and one call lists 100 tasks.
 */
export function findAll(api: EcsApi, cluster: string, signal: AbortSignal): AsyncGenerator<Task> {
  return find(api, { cluster, desiredStatus: "RUNNING" }, signal);
}

async function* find(api: EcsApi, filter: ListTasksCommandInput, signal: AbortSignal): AsyncGenerator<Task> {
  const seen = new Set<string>();
  let nextToken: string | undefined;
  do {
    const page = await api.listTasks({ ...filter, maxResults: 100, ...(nextToken !== undefined && { nextToken }) }, signal);
    // A page may repeat what moved while it was read.
    const arns = (page.taskArns ?? []).filter((arn) => !seen.has(arn));
    for (const arn of arns) seen.add(arn);
    if (arns.length > 0) {
      const { tasks } = await api.describeTasks({ cluster: filter.cluster, tasks: arns, include: ["TAGS"] }, signal);
      yield* tasks ?? [];
    }
    nextToken = page.nextToken || undefined;
  } while (nextToken !== undefined);
}
