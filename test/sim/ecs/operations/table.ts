import type { Operation } from "../context.ts";
import { describeCapacityProviders, describeClusters } from "./clusters.ts";
import { deregisterTaskDefinition, describeTaskDefinition, listTaskDefinitions, registerTaskDefinition } from "./definitions.ts";
import { runTask } from "./run-task.ts";
import { listTagsForResource, tagResource, untagResource } from "./tags.ts";
import { describeTasks, listTasks, stopTask } from "./tasks.ts";

const table = {
  RunTask: runTask,
  StopTask: stopTask,
  DescribeTasks: describeTasks,
  ListTasks: listTasks,
  RegisterTaskDefinition: registerTaskDefinition,
  DescribeTaskDefinition: describeTaskDefinition,
  DeregisterTaskDefinition: deregisterTaskDefinition,
  ListTaskDefinitions: listTaskDefinitions,
  DescribeClusters: describeClusters,
  DescribeCapacityProviders: describeCapacityProviders,
  ListTagsForResource: listTagsForResource,
  TagResource: tagResource,
  UntagResource: untagResource,
};

/** operations are the calls that the simulator answers, by name. */
export const operations: ReadonlyMap<string, Operation<Record<string, unknown>>> = new Map(
  // A request has passed its schema before it gets here, which is what these types say.
  Object.entries(table as unknown as Record<string, Operation<Record<string, unknown>>>),
);
