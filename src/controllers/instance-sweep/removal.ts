import type { EventReason } from "../../api/v1alpha1/reasons.ts";
import { apiVersion } from "../../api/kind.ts";
import { parseRunnerName } from "../../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import type { Recorder } from "../../kube/recorder.ts";
import type { Instance, Provider, ResolvedClass } from "../../provider/types.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import type { SweepMetrics } from "../sweep-metrics.ts";
import type { Told } from "../sweep-told.ts";
import type { InstanceVerdict } from "./judge.ts";
import type { InstanceSweepPeriods } from "./periods.ts";
import { deregister, type Whereabouts, workOf } from "./registration.ts";
import type { RunnerLists } from "./runner-lists.ts";

export interface RemovalDeps {
  /** Whether this process is in the middle of a launch for a request, so that what looks unrecorded is only not recorded yet. */
  readonly launching: (uid: string) => boolean;
  /** The requests of a name in all namespaces that are served, read at the API server. */
  readonly liveRequests: (name: string, signal: AbortSignal) => Promise<readonly RunnerRequest[]>;
  /** Where the runner of an instance may be registered; the request is its own, if there is one. */
  readonly whereabouts: (cls: ResolvedClass, instance: Instance, request: DeepReadonly<RunnerRequest> | undefined) => Whereabouts;
  readonly recorder: Pick<Recorder<EventReason>, "event">;
  readonly metrics: SweepMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly periods: InstanceSweepPeriods;
}

/** Unwanted is an instance that shall go, and what is known of it. */
export interface Unwanted {
  readonly cls: ResolvedClass;
  readonly provider: Provider;
  readonly instance: Instance;
  readonly request: DeepReadonly<RunnerRequest> | undefined;
  readonly verdict: InstanceVerdict;
  /** Its registration was removed by an earlier try: nobody need be asked again, and no silence keeps it any more. */
  deregistered: boolean;
}

const whys: { readonly [verdict in InstanceVerdict]?: string } = {
  orphan: "its RunnerRequest does not exist",
  doubled: "its attempt has another instance",
};

/** Removal stops instances that belong to no attempt, one at a time, after their registration and never while they work. */
export class Removal {
  readonly #deps: RemovalDeps;
  readonly #told: Told;

  constructor(deps: RemovalDeps, told: Told) {
    this.#deps = deps;
    this.#told = told;
  }

  /** remove stops an instance, or leaves it to a later sweep. `place` names its class in logs. */
  async remove(unwanted: Unwanted, place: string, lists: RunnerLists, signal: AbortSignal): Promise<void> {
    const { cls, provider, instance, verdict } = unwanted;
    const where = this.#deps.whereabouts(cls, instance, unwanted.request);
    // First: of a registration that is listed it is then known whose it is, since a launch is known before its registration is.
    if (!unwanted.deregistered) for (const scope of where.likely) await lists.of(scope, signal);
    const runnerName =
      verdict === "orphan" ? await this.#nameOfOrphan(instance, signal) : verdict === "doubled" ? "shared" : "own";
    if (runnerName === "wanted" || !(await this.#mayStop(unwanted, runnerName, where, place, lists, signal))) return;
    const why = whys[verdict] ?? "its attempt is over";
    const { kind, namespace, name, uid } = cls;
    const connection = provider.connection(cls);
    await provider.delete({ classRef: { kind, namespace, name }, connection }, instance.id, why, signal);
    if (!this.#told.first(place, instance.id, "removed")) return;
    const { metrics, log, recorder } = this.#deps;
    const runner = instance.runnerName ?? "";
    metrics.swept("instance", "removed");
    log.info({ class: place, providerId: instance.id, runner, why }, "removed an instance that belongs to no attempt");
    const note = `stopped ${instance.id} of runner ${runner}: ${why}`;
    const object = { apiVersion, kind, metadata: { namespace, name, uid } };
    recorder.event(object, { type: "Warning", reason: "InstanceSwept", action: "Sweep", note });
  }

  async #mayStop(
    unwanted: Unwanted,
    runnerName: "own" | "shared",
    where: Whereabouts,
    place: string,
    lists: RunnerLists,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { instance } = unwanted;
    if (unwanted.deregistered) return true;
    const { clock, periods, metrics, log } = this.#deps;
    const runner = instance.runnerName ?? "";
    // Two instances share a name: to deregister it would take the good one's registration away. Which of them works, if it works,
    // nobody can tell; so both stay until it does not, and then only this one goes.
    const answer =
      runnerName === "shared" ? await workOf(runner, where, lists, signal) : await deregister(runner, where, lists, signal);
    const fields = { class: place, providerId: instance.id, runner };
    switch (answer) {
      case "idle":
        return true;
      case "gone":
        unwanted.deregistered = true;
        return true;
      case "busy":
        if (!this.#told.first(place, instance.id, "busy")) return false;
        metrics.swept("instance", "busy");
        log.info(fields, "left an instance alone that belongs to no attempt: its runner is busy");
        return false;
      case "blind": {
        const ageMs = instance.createdAt === undefined ? 0 : clock.now() - Date.parse(instance.createdAt);
        if (ageMs >= periods.blindMs) return true;
        if (this.#told.first(place, instance.id, "blind"))
          log.info(fields, "left an instance alone that belongs to no attempt: nobody can be asked about its runner");
        return false;
      }
      case "later":
        return false;
      default:
        return answer satisfies never;
    }
  }

  /**
   * Whose the runner's name is: nobody's but the orphan's, or "wanted" if the API server knows its request after all. One whose runner has
   * no name of ours cannot be looked up. It is "shared" with a request that was made again under the same name, for the same job: its
   * attempts are counted from 1 anew, so its runners have the same names.
   */
  async #nameOfOrphan(instance: Instance, signal: AbortSignal): Promise<"own" | "shared" | "wanted"> {
    const runner = instance.runnerName ?? "";
    const parsed = parseRunnerName(runner);
    if (parsed === undefined || instance.requestUid === undefined) return "wanted";
    const requests = await this.#deps.liveRequests(parsed.request, signal);
    if (requests.some(({ metadata }) => metadata.uid === instance.requestUid)) return "wanted";
    const isShared = requests.some(
      ({ metadata, status }) => status?.runner?.name === runner || this.#deps.launching(metadata.uid ?? ""),
    );
    return isShared ? "shared" : "own";
  }
}
