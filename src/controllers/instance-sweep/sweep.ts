import { apiVersion } from "../../api/kind.ts";
import { parseRunnerName } from "../../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { GitHub } from "../../github/types.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Recorder } from "../../kube/recorder.ts";
import type { Instance, Provider, ResolvedClass } from "../../provider/types.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import { inPool } from "../../util/in-pool.ts";
import { distinctScopes, type RunnerScope } from "../runner-scope.ts";
import { codeOf } from "../sweep-error.ts";
import { type Extent, SweepLoop } from "../sweep-loop.ts";
import type { SweepMetrics } from "../sweep-metrics.ts";
import { type InstanceVerdict, judgeInstance } from "./judge.ts";
import type { InstanceSweepPeriods } from "./periods.ts";
import { deregisterByName } from "./removal.ts";

/** Classes listed at a time, and removals of one class at a time: neither a provider nor GitHub is to feel the sweep. */
const listsInFlight = 4;
const removalsInFlight = 4;
/** Removals that one sweep begins for a class; the next one goes on. */
const removalsASweep = 50;

type ClassName = Pick<ResolvedClass, "kind" | "namespace" | "name">;

export interface InstanceSweepDeps {
  readonly classes: () => Iterable<ResolvedClass>;
  readonly provider: (classKind: string) => Provider | undefined;
  /** The request of a uid, as the local copy has it. */
  readonly request: (uid: string) => DeepReadonly<RunnerRequest> | undefined;
  /** The requests of a name in all namespaces that are served, read at the API server. */
  readonly liveRequests: (name: string, signal: AbortSignal) => Promise<readonly RunnerRequest[]>;
  /** Where runners of a class may be registered, by its targets and, if there is one, by the request. */
  readonly scopes: (cls: ResolvedClass, request: DeepReadonly<RunnerRequest> | undefined) => Iterable<RunnerScope>;
  readonly github: (app: ObjectKey) => GitHub | undefined;
  /** Whether this process is in the middle of a launch for a request, so that what looks unrecorded is only not recorded yet. */
  readonly launching: (uid: string) => boolean;
  /** Is told of each request that has an instance which its status does not mention. */
  readonly unrecorded: (request: ObjectKey) => void;
  readonly recorder: Pick<Recorder, "event">;
  readonly metrics: SweepMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly periods: InstanceSweepPeriods;
}

/** Suspect is an instance that did not fit when it was listed. */
interface Suspect {
  readonly verdict: Exclude<InstanceVerdict, "owned">;
  readonly sinceMs: number;
  /** Whether it was counted and announced: sweeps repeat what they do, people hear of it once. */
  told: boolean;
  /** How often its removal was tried: those that wait longest come first, so that many busy ones hold nobody up. */
  tries: number;
}

/**
 * InstanceSweep joins what the providers run with the RunnerRequests, class by class:
 *
 * 1. no request of that uid, and the API server confirms it: the registration is removed, then the instance, every sweep until it is
 *    gone. A busy runner is left alone until it has done its job.
 * 2. the attempt is over, or has another instance: the same, with the same care.
 * 3. the attempt is not recorded: an earlier process started it. Its request is told, and adopts it.
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
  /** By class, the instances that did not fit in its newest complete list; bounded by that list. */
  readonly #suspects = new Map<string, Map<string, Suspect>>();
  /** Classes that were listed completely since this process leads. */
  readonly #taken = new Set<string>();
  #onTaken: (cls: ClassName) => void = () => undefined;

  constructor(deps: InstanceSweepDeps) {
    this.#deps = deps;
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
    for (const text of this.#suspects.keys()) if (!known.has(text)) this.#suspects.delete(text);
    for (const text of this.#taken) if (!known.has(text)) this.#taken.delete(text);
    const due = classes.filter((cls) => extent === "all" || !this.taken(cls));
    await inPool(due, listsInFlight, (cls) => this.#sweepClass(cls, signal));
    return classes.every((cls) => this.taken(cls));
  }

  /** One class' turn; an error ends it, and the next sweep begins anew. */
  async #sweepClass(cls: ResolvedClass, signal: AbortSignal): Promise<void> {
    const { provider: providers, log, launching, request: requestOf } = this.#deps;
    const provider = providers(cls.kind);
    if (provider?.capabilities.listable !== true) return;
    try {
      // Read to its end first: the deadline of a list covers all of it, and the requests must be looked up after the instances.
      const instances: Instance[] = [];
      for await (const instance of provider.list(cls, {}, signal)) instances.push(instance);
      const found = instances.flatMap((instance) => {
        const uid = instance.requestUid ?? "";
        const request = requestOf(uid);
        const verdict = judgeInstance(instance, request);
        if (verdict === "owned" || (verdict === "unrecorded" && launching(uid))) return [];
        return [{ instance, request, verdict }];
      });
      const suspects = this.#remember(cls, found);
      for (const { instance, request, verdict } of found) {
        if (verdict === "unrecorded" && request !== undefined) this.#tellUnrecorded(instance, request, suspects.get(instance.id));
      }
      if (!this.#taken.has(classText(cls))) {
        this.#taken.add(classText(cls));
        this.#onTaken(cls);
      }
      const ripe = found
        .map((find) => ({ ...find, suspect: suspects.get(find.instance.id) }))
        .filter(({ instance, suspect }) => this.#isRipe(instance, suspect))
        .toSorted((a, b) => (a.suspect?.tries ?? 0) - (b.suspect?.tries ?? 0));
      await inPool(ripe.slice(0, removalsASweep), removalsInFlight, (find) =>
        this.#remove(cls, provider, find.instance, find.request, find.suspect, signal),
      );
    } catch (error) {
      if (signal.aborted) return;
      log.warn(
        { class: classText(cls), ...codeOf(error) },
        "could not sweep the instances of a class, the next sweep tries again",
      );
    }
  }

  /** Replaces what is known of a class; an instance that still does not fit, for the same reason, keeps the time since when. */
  #remember(
    cls: ResolvedClass,
    found: readonly { readonly instance: Instance; readonly verdict: Suspect["verdict"] }[],
  ): Map<string, Suspect> {
    const before = this.#suspects.get(classText(cls));
    const now = new Map<string, Suspect>();
    for (const { instance, verdict } of found) {
      const known = before?.get(instance.id);
      now.set(
        instance.id,
        known?.verdict === verdict ? known : { verdict, sinceMs: this.#deps.clock.now(), told: false, tries: 0 },
      );
    }
    this.#suspects.set(classText(cls), now);
    return now;
  }

  #tellUnrecorded(instance: Instance, request: DeepReadonly<RunnerRequest>, suspect: Suspect | undefined): void {
    const key = keyOf(request);
    if (suspect?.told === false) {
      suspect.told = true;
      this.#deps.metrics.swept("instance", "unrecorded");
      this.#deps.log.info(
        { runnerRequest: keyText(key), providerId: instance.id, runner: instance.runnerName },
        "found an instance that an earlier process had started",
      );
    }
    this.#deps.unrecorded(key);
  }

  #isRipe(instance: Instance, suspect: Suspect | undefined): boolean {
    if (suspect === undefined || suspect.verdict === "unrecorded" || instance.state === "Stopping") return false;
    const { graceMs, settleMs } = this.#deps.periods;
    const nowMs = this.#deps.clock.now();
    if (nowMs - suspect.sinceMs >= settleMs) return true;
    return suspect.verdict === "orphan" && instance.createdAt !== undefined && nowMs - Date.parse(instance.createdAt) > graceMs;
  }

  async #remove(
    cls: ResolvedClass,
    provider: Provider,
    instance: Instance,
    request: DeepReadonly<RunnerRequest> | undefined,
    suspect: Suspect | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { metrics, log, recorder, clock, periods } = this.#deps;
    const runner = instance.runnerName ?? "";
    const fields = { class: classText(cls), providerId: instance.id, runner };
    if (suspect !== undefined) suspect.tries += 1;
    if (suspect?.verdict === "orphan" && !(await this.#isOrphan(instance, signal))) return;
    const scopes = distinctScopes(this.#deps.scopes(cls, request));
    const registration = await deregisterByName(runner, scopes, this.#deps.github, signal);
    if (registration === "busy") {
      metrics.swept("instance", "busy");
      log.info(fields, "left an instance alone that belongs to no attempt: its runner is busy");
      return;
    }
    const ageMs = instance.createdAt === undefined ? 0 : clock.now() - Date.parse(instance.createdAt);
    if (registration === "unknown" || (registration === "blind" && ageMs < periods.blindMs)) {
      log.info(fields, "left an instance alone that belongs to no attempt: GitHub could not be asked about its runner");
      return;
    }
    const why =
      suspect?.verdict === "orphan" ? "its RunnerRequest does not exist" : "its attempt is over or has another instance";
    const place = {
      classRef: { kind: cls.kind, namespace: cls.namespace, name: cls.name },
      connection: provider.connection(cls),
    };
    await provider.delete(place, instance.id, why, signal);
    if (suspect?.told !== false) return;
    suspect.told = true;
    metrics.swept("instance", "removed");
    log.info({ ...fields, why }, "removed an instance that belongs to no attempt");
    const { kind, namespace, name, uid } = cls;
    const note = `stopped ${instance.id} of runner ${runner}: ${why}`;
    recorder.event(
      { apiVersion, kind, metadata: { namespace, name, uid } },
      { type: "Warning", reason: "InstanceSwept", action: "Sweep", note },
    );
  }

  /** Whether the API server says so too: no request of that name and uid. One whose runner has no name of ours cannot be looked up. */
  async #isOrphan(instance: Instance, signal: AbortSignal): Promise<boolean> {
    const parsed = parseRunnerName(instance.runnerName ?? "");
    if (parsed === undefined || instance.requestUid === undefined) return false;
    const requests = await this.#deps.liveRequests(parsed.request, signal);
    return !requests.some(({ metadata }) => metadata.uid === instance.requestUid);
  }
}

function classText({ kind, namespace, name }: ClassName): string {
  return `${kind} ${namespace}/${name}`;
}
