import { apiVersion } from "../../api/kind.ts";
import type { Attempt, RunnerRequest, RunnerRequestStatus } from "../../api/v1alpha1/runner-request.ts";
import { newRequest } from "../../request/testing.ts";
import { createRegistry, type Registry } from "../../telemetry/metrics.ts";
import { isoTime } from "../../util/clock.ts";
import { CircuitMetrics } from "./circuit-metrics.ts";
import { circuitPeriods } from "./circuit-periods.ts";
import { toEntry } from "./circuit-status.ts";
import { Circuits } from "./circuits.ts";
import type { RunnerClassObject } from "./controller.ts";

export const className = { kind: "ECSRunnerClass", namespace: "default", name: "fargate" };

type StoredInstance = NonNullable<RunnerRequestStatus["instance"]>;

/** newClass is a class with a ladder, as the API server would hold it. */
export function newClass(rungs: readonly string[], uid = "c-1", generation = 1): RunnerClassObject {
  return {
    apiVersion,
    kind: className.kind,
    metadata: { namespace: className.namespace, name: className.name, uid, generation },
    spec: { capacity: rungs.map((rung) => ({ name: rung })) },
  };
}

/** CircuitBench is the Circuits of one class, with requests as they are stored at the bench's time. */
export class CircuitBench {
  nowMs = Date.parse("2026-01-15T09:00:00Z");
  cls = newClass(["spot", "on-demand"]);
  /** The class that the target of all requests has. */
  classOfTarget = className;
  changes = 0;
  registry: Registry = createRegistry();
  circuits = this.#make();

  /** restart gives the class to another leader, that finds its stored circuits and some requests. */
  restart(requests: Iterable<RunnerRequest>): void {
    const circuit = this.circuits.of(this.cls).circuits.map((each) => toEntry(each.rung, each.circuit));
    this.registry = createRegistry();
    this.circuits = this.#make();
    this.circuits.lead([{ ...this.cls, status: { circuit } }], requests);
  }

  follow(...requests: readonly RunnerRequest[]): void {
    for (const request of requests) this.circuits.follow({ type: "add", new: request });
  }

  /** avoided are the rungs that a request's call passes over. */
  avoided(uid: string, call: { attempt?: number; tries?: number; only?: string } = {}): readonly string[] {
    return this.circuits.avoid(className, { uid, attempt: call.attempt ?? 1, tries: call.tries ?? 0 }, call.only);
  }

  states(): readonly string[] {
    return this.circuits.of(this.cls).circuits.map(({ rung, circuit }) => `${rung} ${circuit.state}`);
  }

  /** request is one whose attempt was just answered; with a providerId it has an instance. */
  request(uid: string, attempt: Partial<Attempt>): RunnerRequest {
    const startedAt = isoTime(this.nowMs);
    const { providerId, capacity = "spot" } = attempt;
    const instance: StoredInstance | undefined =
      providerId === undefined ? undefined : { providerId, state: "Pending", classRef: className, connection: {}, capacity };
    return newRequest({
      name: `job-${uid}`,
      uid,
      status: {
        attempts: [{ number: 1, startedAt, ...attempt }],
        ...(instance !== undefined && { instance, timings: { launchedAt: startedAt } }),
      },
    });
  }

  accepted(uid: string, capacity = "spot"): RunnerRequest {
    return this.request(uid, { providerId: uid, capacity });
  }

  refused(uid: string, tries = 1): RunnerRequest {
    const refused = [{ capacity: "spot", reason: "NoCapacity", message: "none" }];
    return this.request(uid, { tries, triedAt: isoTime(this.nowMs), refused });
  }

  /** ended is a request whose instance has just stopped. */
  ended(before: RunnerRequest, change: Partial<StoredInstance> = {}): RunnerRequest {
    const status = structuredClone(before.status ?? {});
    if (status.instance !== undefined)
      Object.assign(status.instance, { state: "Stopped", stoppedAt: isoTime(this.nowMs) }, change);
    return { ...before, status };
  }

  interrupted(uid: string, capacity = "spot"): RunnerRequest {
    return this.ended(this.accepted(uid, capacity), { interruptedAt: isoTime(this.nowMs) });
  }

  /** done is a request whose runner has ended after its job. */
  done(before: RunnerRequest): RunnerRequest {
    const ended = this.ended(before);
    const assignedJob = { id: "1", repository: "acme/web", name: "build", state: "Completed" } as const;
    return { ...ended, status: { ...ended.status, assignedJob } };
  }

  #make(): Circuits {
    return new Circuits({
      runnerClass: () => this.cls,
      classOfTarget: () => this.classOfTarget,
      changed: () => (this.changes += 1),
      metrics: new CircuitMetrics(this.registry),
      clock: { now: () => this.nowMs },
      periods: circuitPeriods,
    });
  }
}
