import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { GitHub } from "../../github/types.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Instance, Provider, ResolvedClass } from "../../provider/types.ts";
import { inPool } from "../../util/in-pool.ts";
import { Wait } from "../../util/wait.ts";
import { codeOf } from "../sweep-error.ts";
import { type Extent, SweepLoop } from "../sweep-loop.ts";
import { Told } from "../sweep-told.ts";
import { judgeInstance } from "./judge.ts";
import { Removal, type RemovalDeps, type Unwanted } from "./removal.ts";
import { RunnerLists } from "./runner-lists.ts";

/** Classes listed at a time, and removals of one class at a time: neither a provider nor GitHub is to feel the sweep. */
const listsInFlight = 4;
const removalsInFlight = 4;
/** Removals that one sweep begins for a class; the next one goes on. */
const removalsASweep = 50;

type ClassName = Pick<ResolvedClass, "kind" | "namespace" | "name">;

export interface InstanceSweepDeps extends RemovalDeps {
  readonly classes: () => Iterable<ResolvedClass>;
  readonly provider: (classKind: string) => Provider | undefined;
  /** The request of a uid, as the local copy has it. */
  readonly request: (uid: string) => DeepReadonly<RunnerRequest> | undefined;
  readonly github: (app: ObjectKey) => GitHub | undefined;
  /** Is told of each request that has an instance which its status does not mention, in every round that shows it. */
  readonly unrecorded: (request: ObjectKey) => void;
  /** Counts a request that was told of so, once. */
  readonly caught: () => void;
}

/** Find is an instance that did not fit when it was listed, with the request of its uid if there is one. */
interface Find extends Unwanted {
  /** It must look so for as long before it is removed. */
  readonly settle: Wait;
  /** How often its removal was tried: those that wait longest come first, so that many busy ones hold nobody up. */
  tries: number;
}

/**
 * InstanceSweep joins what the providers run with the RunnerRequests, class by class:
 *
 * 1. no request of that uid, and the API server confirms it: the registration is removed, then the instance, every sweep until it is
 *    gone. A busy runner is left alone until it has done its job.
 * 2. the attempt is over: the same, with the same care.
 * 3. the open attempt has another instance: it is stopped once its runner, whose name both share, is not busy. The registration stays.
 * 4. the attempt is not recorded: an earlier process started it. Its request is told, and adopts it.
 *
 * The other direction is nobody's work here: a request whose instance is missing in the list hears "gone" from Provider.get.
 *
 * Case 1 is confirmed by name in every namespace that is served, since the target that would tell the namespace may be gone too; the
 * read goes to the API server and not to the local copy, which may lag behind an object that was just made.
 *
 * The first list of a class is also its census: from then on the launches that an earlier leader did not record are counted (`taken`).
 */
export class InstanceSweep {
  readonly name = "instance-sweep";
  readonly #deps: InstanceSweepDeps;
  readonly #loop: SweepLoop;
  readonly #removal: Removal;
  readonly #told = new Told();
  /** By class, the instances that did not fit in its newest complete list; bounded by that list. */
  readonly #finds = new Map<string, Map<string, Find>>();
  /** Classes that were listed completely since this process leads. */
  readonly #taken = new Set<string>();
  #onTaken: (cls: ClassName) => void = () => undefined;

  constructor(deps: InstanceSweepDeps) {
    this.#deps = deps;
    this.#removal = new Removal(deps, this.#told);
    this.#loop = new SweepLoop({ rhythm: deps.periods, clock: deps.clock });
  }

  /** onTaken is told of each class that has been counted. */
  onTaken(handler: (cls: ClassName) => void): void {
    this.#onTaken = handler;
  }

  /** taken tells whether every instance of a class is known; a provider that cannot list has nothing to wait for. */
  taken(cls: ClassName): boolean {
    return this.#taken.has(classText(cls)) || this.#deps.provider(cls.kind)?.capabilities.listable === false;
  }

  /** soon has classes counted that were not counted yet. */
  soon(): void {
    this.#loop.soon();
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#loop.run((extent) => this.sweep(signal, extent), signal);
  }

  /** sweep makes one round; it says whether every class has been counted. */
  async sweep(signal: AbortSignal, extent: Extent = "all"): Promise<boolean> {
    const classes = [...this.#deps.classes()];
    const known = new Set(classes.map(classText));
    for (const text of this.#finds.keys()) if (!known.has(text)) this.#finds.delete(text);
    this.#told.keepPlaces(known);
    for (const text of this.#taken) if (!known.has(text)) this.#taken.delete(text);
    const due = classes.filter((cls) => extent === "all" || !this.taken(cls));
    // A class may be shared by many teams, and a scope by many classes: each is listed once for all removals of this round.
    const lists = new RunnerLists(this.#deps.github);
    await inPool(due, listsInFlight, (cls) => this.#sweepClass(cls, lists, signal));
    return classes.every((cls) => this.taken(cls));
  }

  /** One class' turn; an error ends it, and the next sweep begins anew. */
  async #sweepClass(cls: ResolvedClass, lists: RunnerLists, signal: AbortSignal): Promise<void> {
    const provider = this.#deps.provider(cls.kind);
    if (provider?.capabilities.listable !== true) return;
    try {
      // Read to its end first: the deadline of a list covers all of it, and the requests must be looked up after the instances.
      const instances: Instance[] = [];
      for await (const instance of provider.list(cls, {}, signal)) instances.push(instance);
      const text = classText(cls);
      const found = this.#join(cls, provider, instances);
      for (const find of found) if (find.verdict === "unrecorded") this.#tellUnrecorded(text, find);
      if (!this.#taken.has(text)) {
        this.#taken.add(text);
        this.#onTaken(cls);
      }
      const ripe = found.filter((find) => this.#isRipe(find)).toSorted((a, b) => a.tries - b.tries);
      await inPool(ripe.slice(0, removalsASweep), removalsInFlight, async (find) => {
        find.tries += 1;
        await this.#removal.remove(find, text, lists, signal);
      });
    } catch (error) {
      if (signal.aborted) return;
      const { log } = this.#deps;
      log.warn(
        { class: classText(cls), ...codeOf(error) },
        "could not sweep the instances of a class, the next sweep tries again",
      );
    }
  }

  /**
   * Finds what does not fit in a complete list, and replaces what is known of the class. An instance that still does not fit, for the
   * same reason, keeps the time since when.
   */
  #join(cls: ResolvedClass, provider: Provider, instances: readonly Instance[]): Find[] {
    const text = classText(cls);
    const before = this.#finds.get(text);
    const now = new Map<string, Find>();
    for (const instance of instances) {
      const uid = instance.requestUid ?? "";
      const request = this.#deps.request(uid);
      const verdict = judgeInstance(instance, request);
      if (verdict === "owned" || (verdict === "unrecorded" && this.#deps.launching(uid))) continue;
      const known = before?.get(instance.id);
      const { settle, tries, deregistered } =
        known?.verdict === verdict
          ? known
          : { settle: new Wait(this.#deps.clock.now(), this.#deps.periods.settleMs), tries: 0, deregistered: false };
      now.set(instance.id, { cls, provider, instance, request, verdict, settle, tries, deregistered });
    }
    this.#finds.set(text, now);
    this.#told.keep(text, new Set(instances.map(({ id }) => id)));
    return [...now.values()];
  }

  #tellUnrecorded(text: string, { instance, request }: Find): void {
    if (request === undefined) return;
    const key = keyOf(request);
    if (this.#told.first(text, instance.id, "unrecorded")) {
      this.#deps.metrics.swept("instance", "unrecorded");
      this.#deps.caught();
      this.#deps.log.info(
        { runnerRequest: keyText(key), providerId: instance.id, runner: instance.runnerName },
        "found an instance that an earlier process had started",
      );
    }
    this.#deps.unrecorded(key);
  }

  #isRipe({ instance, verdict, settle }: Find): boolean {
    if (verdict === "unrecorded" || instance.state === "Stopping") return false;
    const nowMs = this.#deps.clock.now();
    if (settle.isOver(nowMs)) return true;
    const { graceMs } = this.#deps.periods;
    return verdict === "orphan" && instance.createdAt !== undefined && nowMs - Date.parse(instance.createdAt) > graceMs;
  }
}

function classText({ kind, namespace, name }: ClassName): string {
  return `${kind} ${namespace}/${name}`;
}
