import { isGitHubError } from "../../github/errors.ts";
import { type GitHub, type RunnerRecord, type Scope, scopeName } from "../../github/types.ts";
import { keyText, type ObjectKey } from "../../kube/object.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import { Alarm } from "../../util/alarm.ts";
import { Wait } from "../../util/wait.ts";
import type { RequestPeriods } from "./periods.ts";

interface Group {
  readonly name: string;
  readonly app: ObjectKey;
  readonly scope: Scope;
  readonly waiting: Map<string, { readonly key: ObjectKey; readonly grace: Wait }>;
  readonly seen: Map<string, RunnerRecord | "absent">;
  /** Until then it is not listed again. */
  pause: Wait | undefined;
}

/**
 * RegistrationWatcher lists the runners of a scope while requests wait to see theirs online: one call a scope and minute, however
 * many wait. It wakes those whose runner is there.
 */
export class RegistrationWatcher {
  readonly name = "registration-watcher";
  readonly #groups = new Map<string, Group>();
  /** The group that looks for the runner of a request, by the request's key. */
  readonly #groupOf = new Map<string, Group>();
  readonly #github: (app: ObjectKey) => GitHub | undefined;
  readonly #changed: (key: ObjectKey) => void;
  readonly #listed: (runners: readonly RunnerRecord[]) => void;
  readonly #clock: Clock;
  readonly #periods: RequestPeriods;
  readonly #log: Logger;
  readonly #alarm = new Alarm();

  constructor(options: {
    readonly github: (app: ObjectKey) => GitHub | undefined;
    readonly changed: (key: ObjectKey) => void;
    /** Is told of each list that was made. */
    readonly listed?: (runners: readonly RunnerRecord[]) => void;
    readonly clock: Clock;
    readonly periods: RequestPeriods;
    readonly log: Logger;
  }) {
    this.#github = options.github;
    this.#changed = options.changed;
    this.#listed = options.listed ?? ((): void => undefined);
    this.#clock = options.clock;
    this.#periods = options.periods;
    this.#log = options.log;
  }

  /** want has a runner looked for until its request is forgotten; repeating it changes nothing. */
  want(app: ObjectKey, scope: Scope, runner: string, key: ObjectKey): void {
    const text = `${keyText(app)} ${scopeName(scope)}`;
    let group = this.#groups.get(text);
    if (group === undefined) {
      group = { name: text, app, scope, waiting: new Map(), seen: new Map(), pause: undefined };
      this.#groups.set(text, group);
    }
    if (!group.waiting.has(runner)) {
      // A new attempt has a new name; the old one is not looked for any more.
      this.forget(key);
      this.#groups.set(text, group);
      this.#groupOf.set(keyText(key), group);
      group.waiting.set(runner, { key, grace: new Wait(this.#clock.now(), this.#periods.registrationGraceMs) });
      // Only the first waiter has to end the long sleep: nothing is due before its grace.
      if (this.#groups.size === 1 && group.waiting.size === 1) this.#alarm.ring();
    }
  }

  /** latest is what the newest list said of a runner that was wanted. */
  latest(app: ObjectKey, scope: Scope, runner: string): RunnerRecord | "absent" | undefined {
    return this.#groups.get(`${keyText(app)} ${scopeName(scope)}`)?.seen.get(runner);
  }

  /** forget stops looking for the runner of a request: it was seen, or it will never come. */
  forget(key: ObjectKey): void {
    const text = keyText(key);
    const group = this.#groupOf.get(text);
    if (group === undefined) return;
    this.#groupOf.delete(text);
    for (const [runner, waiter] of group.waiting) {
      if (keyText(waiter.key) !== text) continue;
      group.waiting.delete(runner);
      group.seen.delete(runner);
    }
    if (group.waiting.size === 0) this.#groups.delete(group.name);
  }

  /** run lists what is due until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#idle(signal);
      if (!signal.aborted) await this.listDue(signal);
    }
  }

  /** listDue lists the scopes that are due now, once. */
  async listDue(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.now();
    await Promise.all(
      [...this.#groups.values()].filter((group) => isDue(group, nowMs)).map((group) => this.#list(group, nowMs, signal)),
    );
  }

  async #list(group: Group, nowMs: number, signal: AbortSignal): Promise<void> {
    group.pause = new Wait(nowMs, this.#periods.listRunnersEveryMs);
    const github = this.#github(group.app);
    if (github === undefined) return;
    try {
      const list = await github.listRunners(group.scope, signal);
      this.#listed(list);
      const runners = new Map(list.map((runner) => [runner.name, runner]));
      for (const [name, { key }] of group.waiting) {
        const seen = runners.get(name) ?? "absent";
        const known = group.seen.get(name);
        group.seen.set(name, seen);
        if (stateOf(seen) !== stateOf(known)) this.#changed(key);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isGitHubError(error)) throw error;
      group.pause = new Wait(nowMs, Math.max(this.#periods.listRunnersEveryMs, error.retryAfterMs ?? 0));
      this.#log.warn(
        { code: error.code, scope: scopeName(group.scope), waiting: group.waiting.size },
        "could not list runners at GitHub",
      );
    }
  }

  async #idle(signal: AbortSignal): Promise<void> {
    await this.#alarm.sleep(this.#groups.size === 0 ? Number.POSITIVE_INFINITY : this.#periods.registrationTickMs, signal);
  }
}

function isDue({ pause, waiting }: Group, nowMs: number): boolean {
  if (pause?.isOver(nowMs) === false) return false;
  for (const { grace } of waiting.values()) if (grace.isOver(nowMs)) return true;
  return false;
}

function stateOf(seen: RunnerRecord | "absent" | undefined): string {
  return seen === undefined || seen === "absent" ? String(seen) : `${seen.status} ${seen.busy}`;
}
