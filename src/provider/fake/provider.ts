import type { Overrides } from "../../api/v1alpha1/overrides.ts";
import type { Clock } from "../../util/clock.ts";
import { ProviderError, type Refusal } from "../errors.ts";
import type {
  Capabilities,
  CheckResult,
  Created,
  Feed,
  Finding,
  Instance,
  InstanceState,
  Launch,
  Place,
  Provider,
  Resolution,
  ResolvedClass,
  StopCause,
} from "../types.ts";
import { FakeFeed } from "./feed.ts";
import { exited, type FakeInstanceOptions, FakeInstances } from "./instances.ts";

/** FakeProviderOptions say what a FakeProvider pretends to be. */
export interface FakeProviderOptions extends FakeInstanceOptions {
  /** Kind of the classes it serves; by default ECSRunnerClass, so that existing objects can be used. */
  readonly classKind?: string;
  readonly clock?: Clock;
  readonly capabilities?: Partial<Capabilities>;
}

/** FakeHooks run inside the calls: to look at the world at that instant, to wait, or to throw. */
export interface FakeHooks {
  /** Before anything was accepted. */
  beforeCreate?: (launch: Launch) => void | Promise<void>;
  /** After the instance exists, before the caller learns of it: a throw here is an answer that was lost. */
  afterCreate?: (instance: Instance, launch: Launch) => void | Promise<void>;
  beforeGet?: (ids: readonly string[]) => void | Promise<void>;
  beforeDelete?: (id: string) => void | Promise<void>;
  beforeList?: (filter: { readonly requestUid?: string }) => void | Promise<void>;
}

/** FakeMethod names a call that can be counted and made to fail. */
export type FakeMethod = "create" | "get" | "delete" | "list" | "check";

/**
 * FakeProvider is a provider in memory: stateful like a real backend, and programmable. It does by itself only what a backend
 * promises; instances move when a test says so (advance, exit, interrupt), or after a number of reads.
 */
export class FakeProvider implements Provider {
  readonly classKind: string;
  readonly capabilities: Capabilities;
  readonly hooks: FakeHooks = {};
  /** How often each method was called. */
  readonly calls: Record<FakeMethod, number> = { create: 0, get: 0, delete: 0, list: 0, check: 0 };
  /** Names of images that resolve() does not find. */
  readonly missingImages = new Set<string>(["no-such-image"]);
  /** What check() answers. */
  findings: Finding[] = [];
  /** What check() answers as facts for the class' status. */
  status: Record<string, unknown> = {};

  readonly #instances: FakeInstances;
  /** Id by uid, attempt and tries: the backend's idempotency table. Entries never change. */
  readonly #tokens = new Map<string, string>();
  readonly #errors: Record<FakeMethod, unknown[]> = { create: [], get: [], delete: [], list: [], check: [] };
  readonly #lostAnswers: unknown[] = [];
  readonly #refusals = new Map<string, { readonly refusal: Refusal; left: number }>();
  /** Launches hold JIT configurations: private, so that no inspection of a failed test prints them. */
  readonly #launches: Launch[] = [];
  #feed: FakeFeed | undefined;
  #hiddenLists = 0;
  #hiddenReads = 0;

  constructor(options: FakeProviderOptions = {}) {
    this.classKind = options.classKind ?? "ECSRunnerClass";
    this.capabilities = { idempotentCreate: true, observable: true, listable: true, ...options.capabilities };
    this.#instances = new FakeInstances(options);
  }

  connection(cls: ResolvedClass): Readonly<Record<string, string>> {
    return { fake: `${cls.namespace}/${cls.name}` };
  }

  /** Everything can be had but what is among missingImages. */
  resolve(_cls: ResolvedClass, overrides: Overrides): Resolution {
    return overrides.image !== undefined && this.missingImages.has(overrides.image)
      ? { ok: false, problems: [`image=${overrides.image}: the class has none of that name`] }
      : { ok: true, overrides };
  }

  /** The feed that startFeed() made; before that, the backend pushes nothing. */
  feed(): Feed | undefined {
    return this.#feed;
  }

  /** startFeed has every change of an instance pushed from now on, for all classes; begin before the operator looks. */
  startFeed(): FakeFeed {
    const feed = new FakeFeed();
    this.#feed = feed;
    this.#instances.onChange = (instance) => feed.tell(instance);
    return feed;
  }

  async create(launch: Launch, signal: AbortSignal): Promise<Created> {
    await this.#enter("create", signal);
    this.#launches.push(launch);
    await this.hooks.beforeCreate?.(launch);
    const token = [launch.requestUid, launch.attempt, launch.tries].join("/");
    const known = this.capabilities.idempotentCreate ? this.#tokens.get(token) : undefined;
    if (known !== undefined) {
      const adopted = !this.#instances.holds(known, launch.jitConfig);
      return { instance: this.#instances.peek(known), adopted, refusals: [] };
    }
    const { capacity, refusals } = this.#climb(launch);
    const instance = this.#instances.start(launch, capacity, this.#hiddenReads);
    this.#tokens.set(token, instance.id);
    await this.hooks.afterCreate?.(instance, launch);
    if (this.#lostAnswers.length > 0) throw this.#lostAnswers.shift();
    return { instance, adopted: false, refusals };
  }

  async get(_place: Place, ids: readonly string[], signal: AbortSignal): Promise<Map<string, Instance | "gone">> {
    await this.#enter("get", signal);
    await this.hooks.beforeGet?.(ids);
    const found = new Map<string, Instance | "gone">();
    for (const id of new Set(ids)) {
      const instance = this.#instances.read(id);
      if (instance !== undefined) found.set(id, instance);
    }
    return found;
  }

  async delete(_place: Place, id: string, reason: string, signal: AbortSignal): Promise<void> {
    await this.#enter("delete", signal);
    await this.hooks.beforeDelete?.(id);
    const message = `stopped by the operator: ${reason}`.slice(0, 300);
    this.#instances.requestStop(id, { category: "Requested", reason: "UserInitiated", message });
  }

  async *list(
    cls: ResolvedClass,
    filter: { readonly requestUid?: string },
    signal: AbortSignal,
  ): AsyncGenerator<Instance, void, undefined> {
    await this.#enter("list", signal);
    await this.hooks.beforeList?.(filter);
    if (this.#hiddenLists > 0) {
      this.#hiddenLists -= 1;
      return;
    }
    for (const id of this.#instances.ofClass(cls)) {
      const instance = this.#instances.peek(id);
      const asked = filter.requestUid === undefined || instance.requestUid === filter.requestUid;
      if (asked && instance.state !== "Stopped") yield instance;
    }
  }

  async check(_cls: ResolvedClass, signal: AbortSignal): Promise<CheckResult> {
    await this.#enter("check", signal);
    return { findings: [...this.findings], status: { ...this.status } };
  }

  /** failNext makes the next call of a method throw before it does anything; several are thrown in order. */
  failNext(method: FakeMethod, ...errors: readonly unknown[]): void {
    this.#errors[method].push(...errors);
  }

  /** loseNextAnswer makes the next create() accept the launch and then throw: the instance lives, the caller does not know. */
  loseNextAnswer(
    error: unknown = new ProviderError("Unavailable", "no answer, so the outcome is unknown; it is repeated"),
  ): void {
    this.#lostAnswers.push(error);
  }

  /** refuse lets a rung of the ladder give nothing, `times` times, by default until accept(). */
  refuse(capacity: string, times = Number.POSITIVE_INFINITY, reason = "NoCapacity"): void {
    this.#refusals.set(capacity, {
      refusal: { capacity, reason, message: `${capacity} has no capacity at the moment` },
      left: times,
    });
  }

  /** accept ends what refuse() began. */
  accept(capacity: string): void {
    this.#refusals.delete(capacity);
  }

  /** hideFromList makes the next list() calls find nothing, as an eventually consistent backend may. */
  hideFromList(calls = 1): void {
    this.#hiddenLists = calls;
  }

  /** hideFromGet leaves the instances created from now on out of their first `reads` answers of get(). */
  hideFromGet(reads: number): void {
    this.#hiddenReads = reads;
  }

  /** advance moves an instance forward to a state. A Stopped one without a cause ended by itself with exit code 0. */
  advance(id: string, state: InstanceState): Instance {
    return this.#instances.advance(id, state);
  }

  /** exit ends the runner's process with a code. */
  exit(id: string, code: number): Instance {
    return this.#instances.stop(id, exited(code), code);
  }

  /** stop ends an instance for any cause. */
  stop(id: string, cause: StopCause, exitCode?: number): Instance {
    return this.#instances.stop(id, cause, exitCode);
  }

  /** interrupt takes the capacity away, as Spot does; with `notice` the instance is Stopping first. */
  interrupt(id: string, options: { readonly notice?: boolean } = {}): Instance {
    const cause: StopCause = {
      category: "Interrupted",
      reason: "SpotInterruption",
      message: "the capacity was taken back; nothing is wrong with the runner",
    };
    if (options.notice !== true) return this.#instances.stop(id, cause);
    this.#instances.requestStop(id, cause);
    return this.#instances.peek(id);
  }

  /** forget makes an instance "gone", as backends do some time after the end. */
  forget(id: string): void {
    this.#instances.forget(id);
  }

  /** live are the instances that have not stopped. */
  live(): Instance[] {
    return this.all().filter((instance) => instance.state !== "Stopped");
  }

  /** all are the instances that ever ran, in order of creation. */
  all(): Instance[] {
    return this.#instances.all();
  }

  /** byRunnerName finds the instance of a runner. */
  byRunnerName(runnerName: string): Instance | undefined {
    return this.all().find((instance) => instance.runnerName === runnerName);
  }

  /** launches are the arguments of all create() calls so far. They hold secrets. */
  launches(): readonly Launch[] {
    return [...this.#launches];
  }

  /** reset forgets everything: programmed answers, hooks and the feed included. */
  reset(): void {
    this.#instances.clear();
    this.#instances.onChange = undefined;
    this.#feed = undefined;
    this.#tokens.clear();
    this.#refusals.clear();
    this.#launches.length = 0;
    this.#lostAnswers.length = 0;
    for (const method of Object.keys(this.calls) as FakeMethod[]) {
      this.calls[method] = 0;
      this.#errors[method].length = 0;
    }
    for (const hook of Object.keys(this.hooks) as (keyof FakeHooks)[]) delete this.hooks[hook];
    this.findings = [];
    this.status = {};
    this.#hiddenLists = 0;
    this.#hiddenReads = 0;
  }

  async #enter(method: FakeMethod, signal: AbortSignal): Promise<void> {
    this.calls[method] += 1;
    signal.throwIfAborted();
    // A call to a backend never answers in the same turn: code that relies on it would break with a real one.
    await Promise.resolve();
    const errors = this.#errors[method];
    if (errors.length > 0) throw errors.shift();
  }

  #climb(launch: Launch): { readonly capacity: string; readonly refusals: readonly Refusal[] } {
    const refusals: Refusal[] = [];
    for (const capacity of inOrder(launch)) {
      const refused = this.#refusals.get(capacity);
      if (refused === undefined || refused.left <= 0) return { capacity, refusals };
      refused.left -= 1;
      refusals.push(refused.refusal);
    }
    const names = refusals.map((refusal) => refusal.capacity).join(", ");
    throw new ProviderError("InsufficientCapacity", `no capacity in ${names}`, { refusals });
  }
}

/** The rungs that a launch may take, those to be avoided last. */
function inOrder({ class: { spec }, overrides, avoid }: Launch): readonly string[] {
  const allowed = rungs(spec).filter((name) => overrides.capacity === undefined || overrides.capacity === name);
  return [...allowed.filter((name) => !avoid.includes(name)), ...allowed.filter((name) => avoid.includes(name))];
}

/** The rungs of a class' ladder, for every class whose spec has a `capacity` list; others have one rung, "default". */
function rungs(spec: unknown): readonly string[] {
  const capacity = (spec as { readonly capacity?: readonly { readonly name?: string }[] } | undefined)?.capacity;
  const names = capacity?.flatMap(({ name }) => (name === undefined ? [] : [name])) ?? [];
  return names.length > 0 ? names : ["default"];
}
