import type { Informer } from "../src/kube/informer.ts";
import type { RunnerRequest } from "../src/api/v1alpha1/runner-request.ts";
import { requestName } from "../src/api/v1alpha1/names.ts";
import type { World } from "./world.ts";

/** Moments are when something was first seen of a job, in milliseconds of one clock; absent while it was not. */
export interface Moments {
  queued?: number;
  /** The webhook was answered. */
  answered?: number;
  /** The harness' own watch brought the request. */
  stored?: number;
  minted?: number;
  /** RunTask arrived at the simulator. */
  launched?: number;
  /** How many tasks were started for it. */
  tasks: number;
  done?: number;
}

/** Timeline notes the moments of all jobs from now on; the listeners cost the harness, not the operator. */
export class Timeline {
  readonly #jobs = new Map<string, Moments>();
  readonly #tasks = new Set<string>();
  readonly #stops: (() => void)[] = [];

  constructor({ github, ecs }: World, requests: Informer<RunnerRequest>) {
    this.#stops.push(
      github.listen(({ kind, job, runner, detail = "" }) => {
        const now = performance.now();
        if (kind === "runner-minted" && runner !== undefined) this.#of(runner.name.replace(/-\d+$/, "")).minted ??= now;
        if (job === undefined) return;
        const of = this.#of(requestName(String(job.id)));
        if (kind === "job-queued") of.queued ??= now;
        if (kind === "webhook-sent" && detail.startsWith("workflow_job queued")) of.answered ??= now;
        if (kind === "job-completed") of.done ??= now;
      }),
    );
    requests.onChange((change) => {
      if (change.type === "add") this.#of(change.new.metadata.name).stored ??= performance.now();
    });
    this.#stops.push(
      ecs.onChange(({ id, group }) => {
        if (this.#tasks.has(id)) return;
        this.#tasks.add(id);
        const of = this.#of(group.replace(/-\d+$/, ""));
        of.launched ??= performance.now();
        of.tasks += 1;
      }),
    );
  }

  /** The jobs, by the name of their first request. */
  get jobs(): ReadonlyMap<string, Moments> {
    return this.#jobs;
  }

  /** How long one moment came after another, for every job that has both. */
  between(from: keyof Moments, to: keyof Moments): number[] {
    return [...this.#jobs.values()].flatMap((moments) => {
      const [a, b] = [moments[from], moments[to]];
      return a === undefined || b === undefined ? [] : [b - a];
    });
  }

  /** stop ends the listening. */
  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #of(name: string): Moments {
    let moments = this.#jobs.get(name);
    if (moments === undefined) this.#jobs.set(name, (moments = { tasks: 0 }));
    return moments;
  }
}
