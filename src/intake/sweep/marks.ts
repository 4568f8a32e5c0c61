import { isoTime } from "../../util/clock.ts";
import type { App } from "../matching.ts";
import { type AppStatusOptions, patchApp } from "./app-status.ts";
import type { SweptApp } from "./apps.ts";
import type { Periods } from "./periods.ts";

/** MarksOptions are what marks are kept with. */
export interface MarksOptions extends AppStatusOptions {
  readonly periods: Periods;
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
      const change = ({ redelivery }: NonNullable<App["status"]>) => {
        const storedMs = Date.parse(redelivery?.checkedThrough ?? "");
        const moved = index === 0 && !(markMs - storedMs < this.#o.periods.markStepMs);
        return moved || storedMs > nowMs ? { redelivery: { checkedThrough: isoTime(markMs) } } : undefined;
      };
      await patchApp(this.#o, object, change, signal);
    }
  }

  /** forget drops what is kept of Apps that are not among these. */
  forget(present: readonly SweptApp[]): void {
    const known = new Set(present.map(({ key }) => key));
    for (const key of this.#marksMs.keys()) if (!known.has(key)) this.#marksMs.delete(key);
  }
}
