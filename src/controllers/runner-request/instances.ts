import type { ObjectKey } from "../../kube/object.ts";
import { isProviderError } from "../../provider/errors.ts";
import type { Instance, Place, Provider } from "../../provider/types.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import { canonicalJson } from "../../util/hash.ts";
import { Alarm } from "../../util/alarm.ts";
import { Wait } from "../../util/wait.ts";
import type { RequestPeriods } from "./periods.ts";

interface Watched {
  readonly id: string;
  readonly place: Place;
  readonly key: ObjectKey;
  /** When it shall be read; undefined while nobody asks. */
  due: Wait | undefined;
  seen: Instance | "gone" | undefined;
}

interface Group {
  readonly place: Place;
  readonly members: Map<string, Watched>;
  failures: number;
  /** Until then nothing is read, because the last read failed. */
  pause: Wait | undefined;
}

/**
 * InstanceWatcher reads the instances that requests wait for, many in one call, and wakes a request when its instance changed.
 * What it holds is a cache of observations: after a restart the passes ask again.
 */
export class InstanceWatcher {
  readonly name = "instance-watcher";
  readonly #groups = new Map<string, Group>();
  readonly #provider: (classKind: string) => Provider | undefined;
  readonly #changed: (key: ObjectKey) => void;
  readonly #clock: Clock;
  readonly #periods: RequestPeriods;
  readonly #log: Logger;
  readonly #alarm = new Alarm();

  constructor(options: {
    readonly provider: (classKind: string) => Provider | undefined;
    readonly changed: (key: ObjectKey) => void;
    readonly clock: Clock;
    readonly periods: RequestPeriods;
    readonly log: Logger;
  }) {
    this.#provider = options.provider;
    this.#changed = options.changed;
    this.#clock = options.clock;
    this.#periods = options.periods;
    this.#log = options.log;
  }

  /** watch has an instance read within `withinMs`; a sooner wish stays. */
  watch(id: string, place: Place, key: ObjectKey, withinMs: number): void {
    const group = this.#group(place);
    const nowMs = this.#clock.now();
    const known = group.members.get(id);
    if (known === undefined) group.members.set(id, { id, place, key, due: new Wait(nowMs, withinMs), seen: undefined });
    else if (withinMs < leftMs(known.due, nowMs)) known.due = new Wait(nowMs, withinMs);
    this.#alarm.ring();
  }

  /** latest is the newest observation of an instance, if there is one. */
  latest(id: string, place: Place): Instance | "gone" | undefined {
    return this.#groups.get(groupKey(place))?.members.get(id)?.seen;
  }

  /** forget stops watching an instance. */
  forget(id: string, place: Place): void {
    const key = groupKey(place);
    const group = this.#groups.get(key);
    group?.members.delete(id);
    if (group?.members.size === 0) this.#groups.delete(key);
  }

  /** run reads what is due until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#idle(signal);
      if (signal.aborted) return;
      await this.readDue(signal);
    }
  }

  /** readDue reads everything that is due now, once. */
  async readDue(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.now();
    const due = [...this.#groups.values()].filter((group) => nextMs(group, nowMs) === 0);
    await Promise.all(due.map((group) => this.#read(group, nowMs, signal)));
  }

  async #read(group: Group, nowMs: number, signal: AbortSignal): Promise<void> {
    const members = [...group.members.values()].filter(({ due }) => leftMs(due, nowMs) <= this.#periods.gatherMs);
    const provider = this.#provider(group.place.classRef.kind);
    if (provider === undefined || members.length === 0) {
      // A kind that this release does not serve: nothing can be read until another process takes over.
      group.pause = new Wait(nowMs, this.#periods.longestReadPauseMs);
      return;
    }
    try {
      const found = await provider.get(
        group.place,
        members.map((member) => member.id),
        signal,
      );
      group.failures = 0;
      for (const member of members) {
        // The next pass asks again, as often as it needs.
        member.due = undefined;
        const instance = found.get(member.id);
        if (instance === undefined || !this.#see(member, instance)) this.#changed(member.key);
      }
    } catch (error) {
      if (signal.aborted) return;
      group.failures += 1;
      const pause = Math.min(this.#periods.readPauseMs * 2 ** (group.failures - 1), this.#periods.longestReadPauseMs);
      group.pause = new Wait(nowMs, Math.max(pause, isProviderError(error) ? (error.retryAfterMs ?? 0) : 0));
      this.#log.warn(
        { err: error, class: group.place.classRef, instances: members.length, failures: group.failures },
        "could not read instances",
      );
    }
  }

  /** Stores an observation unless it is older than the one there is; returns whether the request was woken for it. */
  #see(member: Watched, instance: Instance | "gone"): boolean {
    const seen = member.seen;
    // "gone" may be a backend that lags behind its own writes, so an instance that appears afterwards counts.
    if (seen !== undefined && seen !== "gone" && instance !== "gone") {
      if (instance.version < seen.version) return false;
      member.seen = instance;
      if (instance.version === seen.version && instance.state === seen.state) return false;
    } else {
      member.seen = instance;
      if (seen === instance) return false;
    }
    this.#changed(member.key);
    return true;
  }

  #group(place: Place): Group {
    const key = groupKey(place);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { place, members: new Map(), failures: 0, pause: undefined };
      this.#groups.set(key, group);
    }
    return group;
  }

  async #idle(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.now();
    let soonest = Number.POSITIVE_INFINITY;
    for (const group of this.#groups.values()) soonest = Math.min(soonest, nextMs(group, nowMs));
    await this.#alarm.sleep(soonest, signal);
  }
}

/** How long until a group is read; 0 when something of it is due. */
function nextMs({ members, pause }: Group, nowMs: number): number {
  let soonest = Number.POSITIVE_INFINITY;
  for (const { due } of members.values()) soonest = Math.min(soonest, leftMs(due, nowMs));
  return Math.max(soonest, pause?.left(nowMs) ?? 0);
}

function leftMs(due: Wait | undefined, nowMs: number): number {
  return due?.left(nowMs) ?? Number.POSITIVE_INFINITY;
}

/** Instances of one class with one connection are read together; a class that was changed to another cluster makes a second group. */
function groupKey(place: Place): string {
  return canonicalJson(place);
}
