import type { ContainerOverride, Task } from "@aws-sdk/client-ecs";
import type { Launch } from "../types.ts";
import { deliveryFileName, fileArns } from "./delivery-object.ts";
import { jitConfigVariable } from "./jit-config-variable.ts";

/**
 * HandOver is how a JIT configuration gets into the runner's container: the part of its override that carries it. It must be the
 * same each time for the same launch, because ECS compares repeated calls byte by byte.
 */
export type HandOver = Pick<ContainerOverride, "environment" | "environmentFiles">;

/** handOverByEnvironment puts it into a variable: simple, but everybody who may call DescribeTasks can read it. */
export function handOverByEnvironment(jitConfig: string): HandOver {
  return { environment: [{ name: jitConfigVariable, value: jitConfig }] };
}

/** handOverByFile names the object that holds it: what ECS shows is a name, and only the execution role can read the object. */
export function handOverByFile(arn: string): HandOver {
  return { environmentFiles: [{ type: "s3", value: arn }] };
}

/**
 * holdsJitConfig tells whether a task was started with this very configuration, as far as ECS shows what it was started with. The class
 * may name another bucket or another way by now: what counts is the task.
 */
export function holdsJitConfig(task: Task, launch: Pick<Launch, "requestUid" | "attempt" | "jitConfig">): boolean {
  const overrides = task.overrides?.containerOverrides ?? [];
  const inEnvironment = overrides.some(({ environment }) =>
    environment?.some(({ name, value }) => name === jitConfigVariable && value === launch.jitConfig),
  );
  return inEnvironment || fileArns(task).some((arn) => arn.slice(arn.lastIndexOf("/") + 1) === deliveryFileName(launch));
}
