import { type Clock, isoTime, systemClock } from "../../util/clock.ts";
import { shortHash } from "../../util/hash.ts";
import { type Instance, type InstanceState, instanceStates, type Launch, type ResolvedClass, type StopCause } from "../types.ts";

/** FakeInstanceOptions say how instances move by themselves. */
export interface FakeInstanceOptions {
  readonly clock?: Clock;
  /** How often get() shows a new instance as Pending before it is Running; by default it stays Pending until advance(). */
  readonly runningAfterReads?: number;
  /** How often get() shows a deleted instance as Stopping before it is Stopped; by default once. */
  readonly stoppedAfterReads?: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface FakeRecord {
  readonly instance: Mutable<Instance>;
  readonly classKey: string;
  readonly jitHash: string;
  readsUntilRunning: number;
  readsUntilStopped: number;
  hiddenReads: number;
  forgotten: boolean;
}

/** FakeInstances is the backend behind a FakeProvider: the instances that ever ran, and how they move. What it hands out are copies. */
export class FakeInstances {
  readonly #clock: Clock;
  readonly #options: FakeInstanceOptions;
  /** By id, in order of creation. */
  readonly #records = new Map<string, FakeRecord>();
  /** Is told of every change, also of the first one. */
  onChange: ((instance: Instance) => void) | undefined;

  constructor(options: FakeInstanceOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#options = options;
  }

  start(launch: Launch, capacity: string, hiddenReads: number): Instance {
    const id = `fake-${this.#records.size + 1}-${shortHash(`${launch.requestUid}/${launch.attempt}`)}`;
    const record: FakeRecord = {
      instance: {
        id,
        state: "Pending",
        version: 1,
        requestUid: launch.requestUid,
        attempt: launch.attempt,
        runnerName: launch.runnerName,
        registeredIn: launch.registeredIn,
        capacity,
        zone: "fake-1a",
        createdAt: this.#now(),
      },
      classKey: keyOf(launch.class),
      jitHash: shortHash(launch.jitConfig, 64),
      readsUntilRunning: this.#options.runningAfterReads ?? Number.POSITIVE_INFINITY,
      readsUntilStopped: this.#options.stoppedAfterReads ?? 1,
      hiddenReads,
      forgotten: false,
    };
    this.#records.set(id, record);
    this.onChange?.({ ...record.instance });
    return { ...record.instance };
  }

  /** peek looks at an instance without counting as a read. */
  peek(id: string): Instance {
    return { ...this.#record(id).instance };
  }

  /** holds tells whether an instance was started with a JIT configuration. */
  holds(id: string, jitConfig: string): boolean {
    return this.#record(id).jitHash === shortHash(jitConfig, 64);
  }

  /** read is what one look through the API shows; undefined while the instance is hidden. */
  read(id: string): Instance | "gone" | undefined {
    const record = this.#records.get(id);
    if (record === undefined || record.forgotten) return "gone";
    if (record.hiddenReads > 0) {
      record.hiddenReads -= 1;
      return undefined;
    }
    const { instance } = record;
    if (instance.state === "Pending") {
      if (record.readsUntilRunning <= 0) this.#move(record, "Running");
      record.readsUntilRunning -= 1;
    } else if (instance.state === "Stopping") {
      if (record.readsUntilStopped <= 0) this.#move(record, "Stopped");
      record.readsUntilStopped -= 1;
    }
    return { ...instance };
  }

  /** requestStop begins the end of an instance; one that is unknown or has ended stays as it is. */
  requestStop(id: string, cause: StopCause): void {
    const record = this.#records.get(id);
    if (record === undefined || record.forgotten || record.instance.state === "Stopped") return;
    record.instance.stop ??= cause;
    this.#move(record, "Stopping");
  }

  /** advance moves an instance forward to a state. A Stopped one without a cause ended by itself with exit code 0. */
  advance(id: string, state: InstanceState): Instance {
    const record = this.#record(id);
    if (state === "Stopped" && record.instance.stop === undefined) {
      record.instance.stop = exited(0);
      record.instance.exitCode = 0;
    }
    this.#move(record, state);
    return { ...record.instance };
  }

  /** stop ends an instance for any cause. */
  stop(id: string, cause: StopCause, exitCode?: number): Instance {
    const record = this.#record(id);
    if (record.instance.state !== "Stopped") {
      record.instance.stop = cause;
      record.instance.exitCode = exitCode;
    }
    return this.advance(id, "Stopped");
  }

  /** forget makes an instance "gone", as backends do some time after the end. */
  forget(id: string): void {
    this.#record(id).forgotten = true;
  }

  /** all are the instances that ever ran, in order of creation. */
  all(): Instance[] {
    return [...this.#records.values()].map(({ instance }) => ({ ...instance }));
  }

  /** ofClass are the ids of the instances that a class started and that the backend still knows. */
  ofClass(cls: ResolvedClass): string[] {
    return [...this.#records].flatMap(([id, { classKey, forgotten }]) => (!forgotten && classKey === keyOf(cls) ? [id] : []));
  }

  clear(): void {
    this.#records.clear();
  }

  #move(record: FakeRecord, state: InstanceState): void {
    const { instance } = record;
    if (instanceStates.indexOf(state) <= instanceStates.indexOf(instance.state)) return;
    instance.state = state;
    instance.version += 1;
    if (state === "Running") instance.startedAt = this.#now();
    if (state === "Stopped") instance.stoppedAt = this.#now();
    this.onChange?.({ ...instance });
  }

  #record(id: string): FakeRecord {
    const record = this.#records.get(id);
    if (record === undefined)
      throw new Error(`the fake provider has no instance ${id}; it has ${[...this.#records.keys()].join(", ")}`);
    return record;
  }

  #now(): string {
    return isoTime(this.#clock.now());
  }
}

/** exited is the cause of an instance whose process ended by itself. */
export function exited(code: number): StopCause {
  return { category: "Exited", reason: "EssentialContainerExited", message: `the runner's process ended with exit code ${code}` };
}

function keyOf(cls: ResolvedClass): string {
  return `${cls.kind}/${cls.namespace}/${cls.name}`;
}
