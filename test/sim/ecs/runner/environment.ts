import type { EnvironmentFile } from "@aws-sdk/client-ecs";
import { containerOverride, type TaskRecord } from "../state/task.ts";

/** ReadEnvironmentFile fetches an environment file by the ARN of its S3 object; it throws if the object is not there. */
export type ReadEnvironmentFile = (arn: string) => Promise<string>;

/** mainContainer is the container that a runner stands in for: the first essential one. */
export function mainContainer(task: TaskRecord): string {
  return task.containers.find((container) => container.essential)?.name ?? "";
}

/** environmentFiles are the files a container is started with; an override replaces the definition's list. */
export function environmentFiles(task: TaskRecord, name: string): readonly EnvironmentFile[] {
  const files = containerOverride(task, name)?.environmentFiles;
  return files !== undefined && files.length > 0 ? files : (definitionOf(task, name)?.environmentFiles ?? []);
}

/** containerEnvironment merges a container's environment as the agent does: `environment` wins over files, overrides over the definition. */
export function containerEnvironment(task: TaskRecord, name: string, files: readonly string[]): Record<string, string> {
  const environment: Record<string, string> = {};
  // Between files the first one wins.
  for (const text of files.toReversed()) {
    Object.assign(environment, parseEnvironmentFile(text));
  }
  for (const variable of [
    ...(definitionOf(task, name)?.environment ?? []),
    ...(containerOverride(task, name)?.environment ?? []),
  ]) {
    environment[variable.name ?? ""] = variable.value ?? "";
  }
  return environment;
}

/** parseEnvironmentFile reads `NAME=value` lines: no quoting, no escapes, `#` starts a comment line, the first duplicate wins. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) {
      continue;
    }
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line.replace(/\r$/, ""));
    if (match === null) {
      throw new Error("a line is not NAME=value");
    }
    environment[match[1] ?? ""] ??= match[2] ?? "";
  }
  return environment;
}

/** containerCommand is the command a container is started with. */
export function containerCommand(task: TaskRecord, name: string): readonly string[] {
  return containerOverride(task, name)?.command ?? definitionOf(task, name)?.command ?? [];
}

/** stopTimeoutMs is the time between SIGTERM and SIGKILL. */
export function stopTimeoutMs(task: TaskRecord): number {
  return (definitionOf(task, mainContainer(task))?.stopTimeout ?? 30) * 1000;
}

function definitionOf(task: TaskRecord, name: string) {
  return task.definition.request.containerDefinitions?.find((container) => container.name === name);
}
