import type { Task } from "@aws-sdk/client-ecs";
import { isOverrideLabel } from "../src/overrides/parse.ts";
import type { ECSRunnerClassSpec } from "../src/api/v1alpha1/ecs-runner-class.ts";
import type { RunnerRequest } from "../src/api/v1alpha1/runner-request.ts";
import { getCondition } from "../src/kube/conditions.ts";
import { parseMebibytes } from "../src/util/quantity.ts";
import type { Ecs } from "../test/e2e/ecs.ts";
import { readBackTask } from "../test/provider/contract/read-back.ts";
import type { Job } from "../test/sim/github/state/model.ts";
import type { RejectedJob, ShapedJob } from "./plan.ts";
import { table } from "./table.ts";
import type { Row } from "./verdict.ts";

/** ShapeSources are where it is read what became of jobs that choose their runner. */
export interface ShapeSources {
  /** AWS' own client; the operator has another. */
  readonly ecs: Ecs;
  readonly cluster: string;
  readonly cls: ECSRunnerClassSpec;
  readonly requests: readonly RunnerRequest[];
  /** ECS never tells a task's security groups again, so it is what RunTask was asked for. */
  readonly securityGroupsOf: (taskArn: string) => readonly string[] | undefined;
}

/** A property of a runner, in words. */
interface Property {
  readonly expected: string;
  readonly seen: string;
}

/** ShapeFact is one job that chose its runner, and what ECS has of that. */
export interface ShapeFact {
  readonly labels: string;
  readonly cpu: Property;
  readonly memory: Property;
  readonly disk: Property;
  readonly image: Property;
  readonly securityGroups: Property;
  readonly capacity: Property;
}

const properties = ["cpu", "memory", "disk", "image", "securityGroups", "capacity"] as const;
const freeDiskGiB = 20;

/** readShapes reads back the task of each job. A job without exactly one task has "no task" or "2 tasks" for everything. */
export async function readShapes(
  sources: ShapeSources,
  jobs: readonly { readonly planned: ShapedJob; readonly job: Job }[],
): Promise<ShapeFact[]> {
  const tasks = await sources.ecs.tasks();
  return await Promise.all(
    jobs.map(async ({ planned, job }) => {
      const expected = expectedOf(planned, sources.cls);
      const own = tasksOf(requestOf(sources, job), tasks);
      const [task] = own;
      const seen = own.length === 1 && task?.taskArn !== undefined ? await seenOf(sources, task.taskArn) : undefined;
      const without = own.length === 0 ? "no task" : `${own.length} tasks`;
      const both = properties.map((name) => [name, { expected: expected[name], seen: seen?.[name] ?? without }] as const);
      const labels = planned.labels.filter(isOverrideLabel).join(" ");
      return { labels, ...(Object.fromEntries(both) as Record<(typeof properties)[number], Property>) };
    }),
  );
}

/** shapesTable shows label by label what ECS has; what differs from the label stands out. */
export function shapesTable(facts: readonly ShapeFact[]): string[] {
  const cell = ({ expected, seen }: Property): string => (fits(expected, seen) ? seen : `${seen} INSTEAD OF ${expected}`);
  const rows = facts.map((fact) => [
    isAsChosen(fact) ? "ok" : "FAILED",
    fact.labels,
    ...properties.map((name) => cell(fact[name])),
  ]);
  return table([["", "LABELS", "CPU", "MEMORY", "DISK", "IMAGE", "SECURITY GROUPS", "CAPACITY"], ...rows]);
}

/** isAsChosen tells whether ECS has what the job chose. */
export function isAsChosen(fact: ShapeFact): boolean {
  return properties.every((name) => fits(fact[name].expected, fact[name].seen));
}

/** rejectedRow is what became of the job that asked for more than it may: a request that says so, and nothing else anywhere. */
export async function rejectedRow(
  sources: Pick<ShapeSources, "ecs" | "requests">,
  { planned, job }: { readonly planned: RejectedJob; readonly job: Job },
  registered: (runnerPrefix: string) => boolean,
): Promise<Row> {
  const request = requestOf(sources, job);
  const condition = getCondition(request?.status?.conditions, "Succeeded");
  const problems: string[] = [];
  if (request === undefined) problems.push("it has no RunnerRequest");
  else {
    if (condition?.status !== "False" || condition.reason !== "Rejected")
      problems.push(`it is ${condition?.reason ?? "undecided"}`);
    if (condition?.message?.includes(planned.because) !== true) problems.push(`it says: ${condition?.message ?? "nothing"}`);
    if (tasksOf(request, await sources.ecs.tasks()).length > 0) problems.push("it has a task");
    if (registered(request.metadata.name ?? "")) problems.push("a runner was registered for it");
  }
  return {
    what: `the job with ${planned.labels.filter(isOverrideLabel).join(" ")}: no task, no registration, and a request that says why`,
    expected: "Rejected",
    seen: problems.length === 0 ? "Rejected" : problems.join("; "),
    ok: problems.length === 0,
    note: condition?.message ?? "",
  };
}

function expectedOf({ expected }: ShapedJob, cls: ECSRunnerClassSpec): Record<(typeof properties)[number], string> {
  const named = <T extends { readonly name: string }>(list: readonly T[], name: string): T => {
    const found = list.find((each) => each.name === name);
    if (found === undefined) throw new Error(`the plan expects ${name}, and the class has none`);
    return found;
  };
  const groups =
    expected.securityGroup === undefined
      ? cls.network?.securityGroups
      : named(cls.securityGroupSets, expected.securityGroup).securityGroups;
  const rungs = expected.capacity === undefined ? cls.capacity : [named(cls.capacity, expected.capacity)];
  return {
    cpu: String(expected.cpu ?? cls.resources.cpu),
    memory: `${parseMebibytes(expected.memory ?? cls.resources.memory)} MiB`,
    disk: `${parseMebibytes(expected.disk ?? cls.resources.disk ?? `${freeDiskGiB}Gi`) / 1024} GiB`,
    image: (expected.image === undefined ? cls.image : named(cls.images, expected.image).image) ?? "",
    securityGroups: (groups ?? []).join(","),
    // Any rung of the ladder will do where none was chosen.
    capacity: rungs.flatMap(({ providers }) => providers.map(({ name }) => name)).join(" or "),
  };
}

async function seenOf(
  { ecs, cluster, cls, securityGroupsOf }: ShapeSources,
  taskArn: string,
): Promise<Record<(typeof properties)[number], string>> {
  const task = await readBackTask(ecs.client, cluster, taskArn, cls.container.name);
  return {
    cpu: String(task.cpuUnits / 1024),
    memory: `${task.memoryMiB} MiB`,
    disk: `${task.diskGiB ?? freeDiskGiB} GiB`,
    image: task.image ?? "none",
    securityGroups: securityGroupsOf(taskArn)?.join(",") ?? "unknown",
    capacity: task.capacityProvider ?? "none",
  };
}

function fits(expected: string, seen: string): boolean {
  return expected.split(" or ").includes(seen);
}

function requestOf({ requests }: Pick<ShapeSources, "requests">, job: Job): RunnerRequest | undefined {
  return requests.find(({ spec }) => spec.job.id === String(job.id) && spec.source !== "Replacement");
}

function tasksOf(request: RunnerRequest | undefined, tasks: readonly Task[]): Task[] {
  return request === undefined ? [] : tasks.filter(({ startedBy }) => startedBy === request.metadata.uid);
}
