import type { ContainerOverride, Task } from "@aws-sdk/client-ecs";

/** jitConfigVariable is where the runner looks for its JIT configuration; it removes the variable before a job begins. */
export const jitConfigVariable = "ACTIONS_RUNNER_INPUT_JITCONFIG";

/**
 * HandOver is how a JIT configuration gets into the runner's container: the part of its override that carries it. It must be the
 * same each time for the same launch, because ECS compares repeated calls byte by byte.
 */
export type HandOver = Pick<ContainerOverride, "environment" | "environmentFiles">;

/** handOverByEnvironment puts it into a variable: simple, but everybody who may call DescribeTasks can read it. */
export function handOverByEnvironment(jitConfig: string): HandOver {
  return { environment: [{ name: jitConfigVariable, value: jitConfig }] };
}

/** holdsJitConfig tells whether a task was started with this very configuration, as far as ECS shows what it was started with. */
export function holdsJitConfig(task: Task, jitConfig: string): boolean {
  const overrides = task.overrides?.containerOverrides ?? [];
  return overrides.some(({ environment }) =>
    environment?.some(({ name, value }) => name === jitConfigVariable && value === jitConfig),
  );
}
