import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import type { Informer } from "../../kube/informer.ts";
import { type DeepReadonly, keyOf, keyText } from "../../kube/object.ts";
import type { Store } from "../../kube/store.ts";
import { type Clock, isoTime } from "../../util/clock.ts";
import { appOfRequest } from "../decide.ts";
import type { App } from "../matching.ts";
import { type AppStatusOptions, patchApp } from "./app-status.ts";
import type { SweptApp } from "./apps.ts";
import type { Periods } from "./periods.ts";

/** Repositories that are stored of one App. */
const maxStored = 200;
/** Repositories that this process remembers of one GitHubApp, and GitHubApps that it remembers any of; the oldest are forgotten. */
const maxRemembered = 1_000;
/** How exact stored times are: each step is a write. */
const stepMs = 3_600_000;

/** Seen is a repository that had a request. */
export interface Seen {
  readonly name: string;
  readonly atMs: number;
}

/** RecentOptions are what repositories are remembered with. */
export interface RecentOptions extends AppStatusOptions {
  readonly requests: Pick<Informer<RunnerRequest>, "onChange">;
  readonly targets: Store<RunnerTarget>;
  readonly periods: Pick<Periods, "recentMs" | "repositoriesMs">;
  readonly clock: Clock;
}

/**
 * RecentRepositories knows which repositories had jobs in the last day. Requests alone do not say so: a finished one is deleted after an
 * hour, or whenever its target says. What this process saw is in memory, and what the one before it saw in the status of the GitHubApp.
 */
export class RecentRepositories {
  readonly #o: RecentOptions;
  /** By GitHubApp, then by the repository's name in lower case; the last one seen is the last one in each. */
  readonly #seen = new Map<string, Map<string, Seen>>();
  /** When the list of each App was last written. */
  readonly #writtenAtMs = new Map<string, number>();

  constructor(options: RecentOptions) {
    this.#o = options;
    options.requests.onChange((change) => this.note(change.type === "delete" ? change.old : change.new));
  }

  /** note remembers the repository of a request, if the request tells whose it is. */
  note(request: DeepReadonly<RunnerRequest>): void {
    const app = appOfRequest(request, (key) => this.#o.targets.get(key));
    const atMs = Date.parse(request.metadata.creationTimestamp ?? "");
    if (app === undefined || Number.isNaN(atMs)) return;
    const key = keyText(app);
    const ofApp = this.#seen.get(key) ?? new Map<string, Seen>();
    const { repository: name } = request.spec.job;
    const known = ofApp.get(name.toLowerCase());
    if (known !== undefined && known.atMs >= atMs) return;
    put(ofApp, name.toLowerCase(), { name, atMs });
    put(this.#seen, key, ofApp);
  }

  /** of lists an App's repositories of the last day, the newest first. */
  of(app: SweptApp): readonly Seen[] {
    const nowMs = this.#o.clock.now();
    const newest = new Map<string, Seen>();
    const add = (seen: Seen): void => {
      const known = newest.get(seen.name.toLowerCase());
      if (known === undefined || known.atMs < seen.atMs) newest.set(seen.name.toLowerCase(), seen);
    };
    const oldestMs = nowMs - this.#o.periods.recentMs;
    for (const object of app.objects) {
      for (const seen of this.#seen.get(keyText(keyOf(object)))?.values() ?? []) if (seen.atMs >= oldestMs) add(seen);
      for (const { name, seenAt } of object.status?.recentRepositories ?? []) {
        const atMs = Date.parse(seenAt);
        // It was seen at some time in that hour. Nobody has seen one in the hours to come: that clock was wrong.
        if (atMs > oldestMs - stepMs && atMs <= nowMs + stepMs) add({ name, atMs });
      }
    }
    return [...newest.values()].sort((a, b) => b.atMs - a.atMs || (a.name < b.name ? -1 : 1));
  }

  /** keep stores an App's list at its first object, if it has news and was not written a moment ago. */
  async keep(app: SweptApp, signal: AbortSignal): Promise<void> {
    const [first] = app.objects;
    const nowMs = this.#o.clock.now();
    const writtenAtMs = this.#writtenAtMs.get(app.key);
    if (first === undefined) return;
    if (writtenAtMs !== undefined && Math.abs(nowMs - writtenAtMs) < this.#o.periods.repositoriesMs) return;
    const list = this.of(app)
      .slice(0, maxStored)
      .map(({ name, atMs }) => ({ name, seenAt: isoTime(Math.floor(atMs / stepMs) * stepMs) }));
    const change = ({ recentRepositories = [] }: NonNullable<App["status"]>) => {
      const stored = new Map(recentRepositories.map(({ name, seenAt }) => [name, seenAt]));
      // What is too old by now goes with the next news.
      return list.some(({ name, seenAt }) => stored.get(name) !== seenAt) ? { recentRepositories: list } : undefined;
    };
    if (await patchApp(this.#o, first, change, signal)) this.#writtenAtMs.set(app.key, nowMs);
  }

  /** forget drops what is kept of Apps that are not among these. */
  forget(present: readonly SweptApp[]): void {
    const known = new Set(present.map(({ key }) => key));
    for (const key of this.#writtenAtMs.keys()) if (!known.has(key)) this.#writtenAtMs.delete(key);
  }
}

function put<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= maxRemembered) break;
    map.delete(oldest);
  }
}
