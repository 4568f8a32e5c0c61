import { expect, type TestContext, vi } from "vitest";
import {
  type Created,
  type Instance,
  instanceStates,
  type Launch,
  type Place,
  type Provider,
  type ResolvedClass,
} from "../../../src/provider/types.ts";
import { collect, makeLaunch, placeOf, unaborted } from "../launches.ts";
import type { ContractControl, ContractSubject } from "./subject.ts";

/** OpenBench gives a case its bench. It skips the case where it is excused, or where the backend lacks what the case needs. */
export type OpenBench = (context: TestContext, ...needs: readonly (keyof ContractControl)[]) => Bench;

/** Bench is the subject with the calls that cases are written in. */
export class Bench {
  readonly subject: ContractSubject;
  readonly place: Place;

  constructor(subject: ContractSubject) {
    this.subject = subject;
    this.place = placeOf(subject.provider, subject.cls);
  }

  get provider(): Provider {
    return this.subject.provider;
  }

  get cls(): ResolvedClass {
    return this.subject.cls;
  }

  launch(): Launch {
    return makeLaunch(this.cls);
  }

  nextAttempt(launch: Launch): Launch {
    const { requestName, requestUid } = launch;
    return makeLaunch(this.cls, { requestName, requestUid, attempt: launch.attempt + 1 });
  }

  create(launch: Launch): Promise<Created> {
    return this.provider.create(launch, unaborted());
  }

  async failure(launch: Launch): Promise<unknown> {
    return this.create(launch).then(
      () => Promise.reject(new Error("create() should have thrown")),
      (error: unknown) => error,
    );
  }

  get(ids: readonly string[]): Promise<Map<string, Instance | "gone">> {
    return this.provider.get(this.place, ids, unaborted());
  }

  delete(id: string, reason: string): Promise<void> {
    return this.provider.delete(this.place, id, reason, unaborted());
  }

  list(filter: { readonly requestUid?: string }): Promise<Instance[]> {
    return collect(this.provider.list(this.cls, filter, unaborted()));
  }

  /** What the backend counts itself, or else what it lists. */
  async countLive({ requestUid }: Launch): Promise<number> {
    return (await this.subject.control.countLive?.(requestUid)) ?? (await this.list({ requestUid })).length;
  }

  async running(): Promise<Instance> {
    const { instance } = await this.create(this.launch());
    await this.subject.control.run?.(instance.id);
    await this.follow(instance.id, "Running");
    return instance;
  }

  /** follow reads an instance until it reaches a state, and gives everything it saw. */
  async follow(id: string, state: Instance["state"]): Promise<Instance[]> {
    const seen: Instance[] = [];
    await vi.waitFor(
      async () => {
        const instance = (await this.get([id])).get(id);
        if (typeof instance === "object") seen.push(instance);
        if (!reached(instance, state)) throw new Error(`${id} should become ${state}, and is ${JSON.stringify(instance)}`);
      },
      // A bound for the worst machine.
      { timeout: 45_000, interval: 20 },
    );
    return seen;
  }

  async refusing<T>(rungs: readonly string[], during: () => Promise<T>): Promise<T> {
    const { refuse, accept } = this.subject.control;
    for (const rung of rungs) await refuse?.(rung);
    try {
      return await during();
    } finally {
      for (const rung of rungs) await accept?.(rung);
    }
  }
}

function reached(instance: Instance | "gone" | undefined, state: Instance["state"]): boolean {
  return typeof instance === "object" && instanceStates.indexOf(instance.state) >= instanceStates.indexOf(state);
}

/** expectForward expects that neither state nor version ever went back. */
export function expectForward(seen: readonly Instance[]): void {
  for (const [index, { state, version }] of seen.entries()) {
    const before = seen[index - 1];
    if (before === undefined) continue;
    expect(instanceStates.indexOf(state)).toBeGreaterThanOrEqual(instanceStates.indexOf(before.state));
    expect(version).toBeGreaterThanOrEqual(before.version);
    if (state !== before.state && version !== 0) expect(version).toBeGreaterThan(before.version);
  }
}

/** similarId is an id of the same form that no instance has. */
export function similarId(id: string, salt = 0): string {
  const tail = salt.toString(16).padStart(4, "0");
  return `${id.slice(0, -8)}dead${tail}`;
}
