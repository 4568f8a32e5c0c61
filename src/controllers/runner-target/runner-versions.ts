import { parseRunnerName } from "../../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { isGitHubError } from "../../github/errors.ts";
import { type GitHub, type RunnerRecord, scopeName } from "../../github/types.ts";
import { type DeepReadonly, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import { Wait } from "../../util/wait.ts";
import { type RunnerScope, runnerScopeText } from "../runner-scope.ts";
import { isShort } from "../sweep-quota.ts";
import type { Sighting, VersionStatus } from "./runner-version.ts";

type Request = DeepReadonly<RunnerRequest>;

interface Found {
  readonly key: ObjectKey;
  /** By version, when the last launched of those with it was launched. */
  readonly launched: Map<string, number>;
}

interface Held {
  readonly launchedMs: number;
  /** Until when the version counts although newer lists do not show it. */
  readonly hold: Wait;
}

/** runnerVersionPeriods say how often GitHub is asked for the release that it offers: for each scope, while it has runners of ours. */
export const runnerVersionPeriods = {
  /** Releases come every few weeks. */
  askEveryMs: 24 * 3_600_000,
  askAgainMs: 3_600_000,
  /** How long a version counts after it was seen last: a list shows what is online at that moment, and a target may have several images. */
  holdMs: 24 * 3_600_000,
};

export interface RunnerVersionsOptions {
  /** The requests of a name in all namespaces. */
  readonly named: (name: string) => Iterable<Request>;
  readonly targetOf: (request: Request) => ObjectKey;
  /** What the target's status keeps. */
  readonly stored: (target: ObjectKey) => DeepReadonly<VersionStatus> | undefined;
  /** Is told of each target of which something new is known. */
  readonly changed: (target: ObjectKey) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly periods: Readonly<typeof runnerVersionPeriods>;
}

/**
 * RunnerVersions is what GitHub said of the versions of runners since this process began: those that connected, from the lists that others
 * make, and the release that is offered. It keeps nothing that has to last: the targets' status does.
 */
export class RunnerVersions {
  readonly #options: RunnerVersionsOptions;
  /** By target and version: those that were online in the last day; bounded by the targets and the releases of a day. */
  readonly #seen = new Map<string, Map<string, Held>>();
  /** By scope, what is offered and until when nobody asks; bounded by the scopes that had runners of ours. */
  readonly #offers = new Map<string, { readonly version: string | undefined; readonly pause: Wait }>();

  constructor(options: RunnerVersionsOptions) {
    this.#options = options;
  }

  /** seen is what lists said of a target's runners in the day before the newest one that had any. */
  seen(target: ObjectKey): readonly Sighting[] {
    return [...this.#held(target)].map(([version, { launchedMs }]) => ({ version, launchedMs }));
  }

  /** offered is the release that GitHub offers in a scope, if it has been asked. */
  offered(scope: RunnerScope): string | undefined {
    return this.#offers.get(runnerScopeText(scope))?.version;
  }

  /** forget drops what is known of a target that is gone. */
  forget(target: ObjectKey): void {
    this.#seen.delete(keyText(target));
  }

  /** listed takes a list of a scope's runners in. */
  listed(runners: readonly RunnerRecord[]): void {
    this.#note(this.#join(runners));
  }

  /** swept takes the list of a sweep in, after it has asked what GitHub offers where that is due and there is quota to spare. */
  async swept(scope: RunnerScope, github: GitHub, runners: readonly RunnerRecord[], signal: AbortSignal): Promise<void> {
    const found = this.#join(runners);
    const asked = found.size > 0 && !isShort(github, scope.scope) && (await this.#ask(scope, github, signal));
    this.#note(found);
    if (asked) for (const { key } of found.values()) this.#options.changed(key);
  }

  /** By target, what a list says of those of its runners that are online. */
  #join(runners: readonly RunnerRecord[]): ReadonlyMap<string, Found> {
    const found = new Map<string, Found>();
    for (const runner of runners) {
      const { version } = runner;
      const name = parseRunnerName(runner.name)?.request;
      // One that is offline may have connected days ago, and be of an image that is not used any more.
      if (version === undefined || name === undefined || runner.status !== "online") continue;
      for (const request of this.#options.named(name)) {
        const { status } = request;
        // Another installation may name its runners as we do: the id is GitHub's own. An adopted runner is known by its name alone.
        if (status?.runner?.name !== runner.name || (status.runner.id ?? runner.id) !== runner.id) continue;
        const key = this.#options.targetOf(request);
        const launchedMs = Date.parse(status.timings?.launchedAt ?? "") || 0;
        const { launched } = found.get(keyText(key)) ?? { launched: new Map<string, number>() };
        found.set(keyText(key), { key, launched });
        launched.set(version, Math.max(launchedMs, launched.get(version) ?? 0));
      }
    }
    return found;
  }

  #note(found: ReadonlyMap<string, Found>): void {
    const nowMs = this.#options.clock.now();
    for (const { key, launched } of found.values()) {
      const held = this.#held(key);
      const before = this.seen(key);
      for (const [version, { hold }] of held) if (hold.isOver(nowMs)) held.delete(version);
      for (const [version, launchedMs] of launched) {
        const known = before.find((each) => each.version === version);
        held.set(version, { launchedMs: Math.max(launchedMs, known?.launchedMs ?? 0), hold: this.#hold() });
      }
      const isSame = ({ version, launchedMs }: Sighting): boolean => held.get(version)?.launchedMs === launchedMs;
      if (held.size !== before.length || !before.every(isSame)) this.#options.changed(key);
    }
  }

  /** A process that begins holds what the one before it knew as if it had just been seen: when it was is not stored. */
  #held(target: ObjectKey): Map<string, Held> {
    const known = this.#seen.get(keyText(target));
    if (known !== undefined) return known;
    const { connected, acceptedAt } = this.#options.stored(target) ?? {};
    const launchedMs = acceptedAt === undefined ? 0 : Date.parse(acceptedAt);
    const held = new Map<string, Held>(connected === undefined ? [] : [[connected, { launchedMs, hold: this.#hold() }]]);
    this.#seen.set(keyText(target), held);
    return held;
  }

  #hold(): Wait {
    return new Wait(this.#options.clock.now(), this.#options.periods.holdMs);
  }

  /** Whether GitHub said what it offers. */
  async #ask(scope: RunnerScope, github: GitHub, signal: AbortSignal): Promise<boolean> {
    const text = runnerScopeText(scope);
    const known = this.#offers.get(text);
    const nowMs = this.#options.clock.now();
    if (known?.pause.isOver(nowMs) === false) return false;
    const { askEveryMs, askAgainMs } = this.#options.periods;
    try {
      const version = await github.getOfferedRunner(scope.scope, signal);
      this.#offers.set(text, { version: version ?? known?.version, pause: new Wait(nowMs, askEveryMs) });
      return true;
    } catch (error) {
      if (!isGitHubError(error)) throw error;
      this.#offers.set(text, { version: known?.version, pause: new Wait(nowMs, Math.max(askAgainMs, error.retryAfterMs ?? 0)) });
      this.#options.log.warn(
        { code: error.code, scope: scopeName(scope.scope) },
        "could not read which runner GitHub offers; how old the runners are is judged by what is known",
      );
      return false;
    }
  }
}
