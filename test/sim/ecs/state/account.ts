import { randomBytes } from "node:crypto";
import type { Clock } from "../../../../src/util/clock.ts";

/** SimClock is the simulator's time: a clock given by the test, or the machine's, that can also be moved forward. */
export class SimClock implements Clock {
  readonly #base: Clock;
  #offsetMs = 0;

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.#offsetMs;
  }

  advance(ms: number): void {
    this.#offsetMs += ms;
  }
}

/** Account names what the simulator stands for, and makes its ARNs. */
export class Account {
  readonly region: string;
  readonly id: string;

  constructor(region: string, id: string) {
    this.region = region;
    this.id = id;
  }

  arn(resource: string): string {
    return `arn:aws:ecs:${this.region}:${this.id}:${resource}`;
  }
}

/** newId makes an id as ECS gives them to tasks and containers: 32 hex digits. */
export function newId(): string {
  return randomBytes(16).toString("hex");
}
