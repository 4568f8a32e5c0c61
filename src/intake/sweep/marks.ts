import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import { isApiError } from "../../kube/api-error.ts";
import type { Client } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { keyOf } from "../../kube/object.ts";
import type { Logger } from "../../telemetry/log.ts";
import { isoTime } from "../../util/clock.ts";
import type { SweptApp } from "./apps.ts";
import type { Periods } from "./periods.ts";
import { factsOf } from "./turn.ts";

/** MarksOptions are what marks are kept with. */
export interface MarksOptions {
  readonly apps: Informer<GitHubApp>;
  readonly client: Client<GitHubApp>;
  readonly periods: Periods;
  readonly log: Logger;
}

/** Marks keeps up to when the deliveries of each App are done with: in memory, and in steps in the status of its objects. */
export class Marks {
  readonly #o: MarksOptions;
  /** The newest mark of each App: ahead of the stored one by less than a step. */
  readonly #marksMs = new Map<string, number>();

  constructor(options: MarksOptions) {
    this.#o = options;
  }

  /** of lists the marks that any of the App's objects has: a mark speaks of the App, whichever object it was written to. */
  of(app: SweptApp): readonly number[] {
    const marks = app.objects.map(({ status }) => Date.parse(status?.redelivery?.checkedThrough ?? "")).filter(Number.isFinite);
    const kept = this.#marksMs.get(app.key);
    return kept === undefined ? marks : [...marks, kept];
  }

  /**
   * keep notes a mark, and stores it at the first object when it has moved by a step. Marks that lie in the future of `nowMs`, which is
   * GitHub's time, are corrected wherever they are: their time would come, and with it what they pass.
   */
  async keep(app: SweptApp, markMs: number, nowMs: number, signal: AbortSignal): Promise<void> {
    this.#marksMs.set(app.key, markMs);
    for (const [index, object] of app.objects.entries()) {
      // The controller of GitHubApps writes this status too, so the newest version is the base, and the patch holds the mark alone.
      const base = this.#o.apps.store.get(keyOf(object));
      if (base === undefined) continue;
      const storedMs = Date.parse(base.status?.redelivery?.checkedThrough ?? "");
      const moved = index === 0 && !(markMs - storedMs < this.#o.periods.markStepMs);
      if (!moved && !(storedMs > nowMs)) continue;
      const status = { ...base.status, redelivery: { checkedThrough: isoTime(markMs) } };
      try {
        this.#o.apps.observe(await this.#o.client.patchStatus(base, status, { signal }));
      } catch (error) {
        if (!isApiError(error)) throw error;
        // Somebody was faster, or the API server is away: the next sweep writes it, and until then only a restart would read more.
        this.#o.log.debug({ ...factsOf(app), reason: error.reason }, "the mark could not be stored");
      }
    }
  }

  /** forget drops what is kept of Apps that are not among these. */
  forget(present: readonly SweptApp[]): void {
    const known = new Set(present.map(({ key }) => key));
    for (const key of this.#marksMs.keys()) if (!known.has(key)) this.#marksMs.delete(key);
  }
}
