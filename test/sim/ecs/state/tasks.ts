import { invalidParameter } from "../api-error.ts";
import type { Account, SimClock } from "./account.ts";
import type { Cluster } from "./clusters.ts";
import type { TaskRecord } from "./task.ts";

const keepStoppedMs = 60 * 60 * 1000;

/** Tasks holds the account's tasks; stopped ones are forgotten after an hour. */
export class Tasks {
  readonly #account: Account;
  readonly #clock: SimClock;
  readonly #byId = new Map<string, TaskRecord>();

  constructor(account: Account, clock: SimClock) {
    this.#account = account;
    this.#clock = clock;
  }

  add(task: TaskRecord): void {
    this.#byId.set(task.id, task);
  }

  /** Every task that is not forgotten, oldest first. */
  all(): readonly TaskRecord[] {
    return [...this.#byId.values()].filter((task) => !this.#forgotten(task));
  }

  /** The task of an id or ARN in a cluster; malformed references are refused. */
  find(cluster: Cluster, idOrArn: string): TaskRecord | undefined {
    const id = this.#id(cluster, idOrArn);
    const task = id === undefined ? undefined : this.#byId.get(id);
    return task !== undefined && task.cluster === cluster && !this.#forgotten(task) ? task : undefined;
  }

  /** As find(), for tests: in any cluster, and also a task that API calls do not see yet. */
  get(idOrArn: string): TaskRecord {
    const task = this.#byId.get(idOrArn.slice(idOrArn.lastIndexOf("/") + 1));
    if (task === undefined) {
      throw new Error(`the ECS simulator has no task ${idOrArn}`);
    }
    return task;
  }

  clear(): void {
    this.#byId.clear();
  }

  #forgotten(task: TaskRecord): boolean {
    if (task.times.stoppedAt !== undefined && this.#clock.now() - task.times.stoppedAt >= keepStoppedMs) {
      task.expired = true;
    }
    if (task.expired) {
      this.#byId.delete(task.id);
    }
    return task.expired;
  }

  #id(cluster: Cluster, idOrArn: string): string | undefined {
    if (idOrArn.startsWith("arn:")) {
      const prefix = this.#account.arn(`task/${cluster.name}/`);
      if (!/^arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:task\/[^/]+\/[0-9a-f]+$/.test(idOrArn)) {
        throw invalidParameter(`Invalid identifier: ${idOrArn}`);
      }
      return idOrArn.startsWith(prefix) ? idOrArn.slice(prefix.length) : undefined;
    }
    if (idOrArn.length !== 32 && idOrArn.length !== 36) {
      throw invalidParameter("taskId length should be one of [32,36]");
    }
    return idOrArn;
  }
}
