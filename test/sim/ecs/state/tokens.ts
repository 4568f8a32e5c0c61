import type { RunTaskRequest } from "@aws-sdk/client-ecs";
import { ApiError } from "../api-error.ts";
import type { TaskRecord } from "./task.ts";

const lifeMs = 24 * 60 * 60 * 1000;

interface Entry {
  readonly parameters: string;
  readonly tasks: readonly TaskRecord[];
  readonly at: number;
}

/** Tokens is the table behind clientToken: per cluster, kept for 24 hours. */
export class Tokens {
  readonly #entries = new Map<string, Entry>();

  /** The tasks of an earlier identical call with this token, or undefined; a call that differs in anything is a conflict. */
  earlier(cluster: string, request: RunTaskRequest, now: number): readonly TaskRecord[] | undefined {
    const key = keyOf(cluster, request);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (entry === undefined || now - entry.at >= lifeMs) {
      return undefined;
    }
    if (entry.parameters !== canonical(request)) {
      throw new ApiError(
        "ConflictException",
        "The RunTask request could not be processed due to conflicts. The provided clientToken is already in use with a different RunTask request.",
        { fields: { resourceIds: entry.tasks.map((task) => task.arn) } },
      );
    }
    return entry.tasks;
  }

  record(cluster: string, request: RunTaskRequest, tasks: readonly TaskRecord[], now: number): void {
    const key = keyOf(cluster, request);
    if (key !== undefined) {
      this.#entries.set(key, { parameters: canonical(request), tasks, at: now });
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}

function keyOf(cluster: string, request: RunTaskRequest): string | undefined {
  return request.clientToken === undefined ? undefined : `${cluster}\n${request.clientToken}`;
}

function canonical({ clientToken: _, ...parameters }: RunTaskRequest): string {
  return JSON.stringify(parameters, (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
