import type { Account, SimClock } from "./state/account.ts";
import type { TaskRecord } from "./state/task.ts";
import { eventDetail } from "./state/task-shape.ts";

/** TaskEvent is an "ECS Task State Change" as EventBridge hands it to a rule's target. */
export interface TaskEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": "ECS Task State Change";
  readonly source: "aws.ecs";
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** EventOptions say where events go and how the delivery misbehaves; EventBridge promises at least once, in no order. */
export interface EventOptions {
  readonly sink: (event: TaskEvent) => void;
  /** Extra copies of an event; they have the same id. */
  readonly duplicates?: (event: TaskEvent) => number;
  /** True loses an event. */
  readonly drop?: (event: TaskEvent) => boolean;
  /** Collects so many events and then delivers them newest first; flush() delivers what is left. */
  readonly reorderWindow?: number;
}

/** Events turns changes of tasks into state change events. */
export class Events {
  readonly #account: Account;
  readonly #clock: SimClock;
  readonly #held: TaskEvent[] = [];
  /** May be replaced at any time. */
  options: EventOptions | undefined;

  constructor(account: Account, clock: SimClock, options: EventOptions | undefined) {
    this.#account = account;
    this.#clock = clock;
    this.options = options;
  }

  emit(task: TaskRecord): void {
    if (this.options === undefined) {
      return;
    }
    const event = this.#event(task);
    if (this.options.drop?.(event) === true) {
      return;
    }
    const copies = 1 + (this.options.duplicates?.(event) ?? 0);
    this.#held.push(...Array.from({ length: copies }, () => event));
    if (this.#held.length >= (this.options.reorderWindow ?? 1)) {
      this.flush();
    }
  }

  flush(): void {
    const held = this.#held.splice(0);
    const ordered = (this.options?.reorderWindow ?? 1) > 1 ? held.toReversed() : held;
    for (const event of ordered) {
      this.options?.sink(event);
    }
  }

  #event(task: TaskRecord): TaskEvent {
    const now = this.#clock.now();
    return {
      version: "0",
      id: crypto.randomUUID(),
      "detail-type": "ECS Task State Change",
      source: "aws.ecs",
      account: this.#account.id,
      time: `${new Date(now).toISOString().slice(0, 19)}Z`,
      region: this.#account.region,
      resources: [task.arn],
      // A copy: the task goes on changing while the event is on its way.
      detail: structuredClone(eventDetail(task, now)),
    };
  }
}
