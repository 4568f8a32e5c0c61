import type { ObjectKey } from "../../kube/object.ts";
import { isProviderError } from "../../provider/errors.ts";
import type { Instance, Place, Provider } from "../../provider/types.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import { canonicalJson } from "../../util/hash.ts";
import { Alarm } from "../../util/alarm.ts";
import { Wait } from "../../util/wait.ts";
import { EarlyObservations } from "./early-observations.ts";
import { FeedHealth } from "./feed-health.ts";
import type { MessageOutcome } from "./feed-metrics.ts";
import type { RequestPeriods } from "./periods.ts";
import type { ClassKey } from "./world.ts";

interface Watched {
  readonly id: string;
  readonly place: Place;
  readonly key: ObjectKey;
  /** When it shall be read where nobody tells of its changes; undefined while nobody asks. */
  due: Wait | undefined;
  /** The same where they are told. Both are kept, since a feed may begin and end to tell at any time. */
  net: Wait | undefined;
  /** How long the net's wait is, from the last news on. */
  netMs: number;
  /** Everything since the last news should have been told: a read that brings something shows that the feed is deaf. */
  told: boolean;
  seen: Instance | "gone" | undefined;
}

/** FedWish is how soon an instance shall be read although its changes are told. */
export interface FedWish {
  readonly withinMs: number;
  /** When it was launched: of one that is older than the feed, something may not have been told. */
  readonly launchedMs: number;
}

interface Group {
  readonly place: Place;
  readonly members: Map<string, Watched>;
  failures: number;
  /** Until then nothing is read, because the last read failed. */
  pause: Wait | undefined;
}

/**
 * InstanceWatcher reads the instances that requests wait for, many in one call, and wakes a request when its instance changed. Where a
 * feed tells of changes, reading is the net below it. What it holds is a cache of observations: after a restart the passes ask again.
 */
export class InstanceWatcher {
  readonly name = "instance-watcher";
  readonly #groups = new Map<string, Group>();
  /** The members of all groups: ids are unique, and a feed tells no more than the id. */
  readonly #byId = new Map<string, Watched>();
  readonly #early = new EarlyObservations();
  readonly #provider: (classKind: string) => Provider | undefined;
  readonly #changed: (key: ObjectKey) => void;
  readonly #clock: Clock;
  readonly #periods: RequestPeriods;
  readonly #log: Logger;
  readonly #alarm = new Alarm();
  readonly #feeds: FeedHealth;
  readonly #knows: (requestUid: string) => boolean;

  constructor(options: {
    readonly provider: (classKind: string) => Provider | undefined;
    readonly changed: (key: ObjectKey) => void;
    readonly clock: Clock;
    readonly periods: RequestPeriods;
    readonly log: Logger;
    /** Which classes' changes are told; none without. */
    readonly feeds?: FeedHealth;
    /** Whether a request exists; who tells of an instance names its request by the uid. */
    readonly knows?: (requestUid: string) => boolean;
  }) {
    this.#provider = options.provider;
    this.#changed = options.changed;
    this.#clock = options.clock;
    this.#periods = options.periods;
    this.#log = options.log;
    this.#feeds = options.feeds ?? new FeedHealth(options.clock, options.periods);
    this.#knows = options.knows ?? (() => false);
  }

  /** watch has an instance read within `withinMs`, or as `fed` says where its changes are told; a sooner wish stays. */
  watch(id: string, place: Place, key: ObjectKey, withinMs: number, fed?: FedWish): void {
    const group = this.#group(place);
    const nowMs = this.#clock.now();
    const member = group.members.get(id) ?? this.#join(group, id, key);
    if (withinMs < leftMs(member.due, nowMs)) member.due = new Wait(nowMs, withinMs);
    member.netMs = fed?.withinMs ?? withinMs;
    if (member.net === undefined) {
      member.told = member.seen !== undefined || (fed?.launchedMs ?? 0) >= this.#feeds.liveSinceMs(place.classRef);
      member.net = new Wait(nowMs, member.told ? member.netMs : Math.min(member.netMs, this.#periods.firstLookMs));
    } else if (member.netMs < member.net.left(nowMs)) member.net = new Wait(nowMs, member.netMs);
    this.#alarm.ring();
  }

  /**
   * observe takes in what a feed told of an instance, and wakes its request if that is news to it. What is told of an instance whose
   * launch is not stored yet is kept until somebody watches it.
   */
  observe(instance: Instance): Exclude<MessageOutcome, "foreign" | "unreadable"> {
    const member = this.#byId.get(instance.id);
    if (member === undefined) {
      if (instance.requestUid === undefined || !this.#knows(instance.requestUid)) return "stranger";
      return this.#early.note(instance) ? "early" : "stale";
    }
    this.#feeds.heard(member.place.classRef);
    const { seen } = member;
    if (seen !== undefined && seen !== "gone" && instance.version <= seen.version) return "stale";
    member.seen = instance;
    member.told = true;
    member.net = new Wait(this.#clock.now(), member.netMs);
    // Backends count steps that nobody here decides by.
    const news =
      seen === undefined || seen === "gone" || seen.state !== instance.state || seen.stop?.reason !== instance.stop?.reason;
    if (news) this.#changed(member.key);
    return "taken";
  }

  /** feedBegan has all instances of classes looked at once: what changed before their feed began to tell, nobody will tell. */
  feedBegan(classes: readonly ClassKey[]): void {
    const names = new Set(classes.map((cls) => canonicalJson(cls)));
    const nowMs = this.#clock.now();
    for (const { place, members } of this.#groups.values()) {
      if (!names.has(canonicalJson(place.classRef))) continue;
      for (const member of members.values()) {
        member.told = false;
        member.net = new Wait(nowMs, this.#periods.firstLookMs);
      }
    }
    this.#alarm.ring();
  }

  /** latest is the newest observation of an instance, if there is one. */
  latest(id: string, place: Place): Instance | "gone" | undefined {
    const member = this.#groups.get(groupKey(place))?.members.get(id);
    return member === undefined ? this.#early.get(id) : member.seen;
  }

  /** forget stops watching an instance. */
  forget(id: string, place: Place): void {
    const key = groupKey(place);
    const group = this.#groups.get(key);
    this.#early.take(id);
    if (group?.members.delete(id) === true) this.#byId.delete(id);
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
    const due = [...this.#groups.values()].filter((group) => nextMs(group, this.#isFed(group), nowMs) === 0);
    await Promise.all(due.map((group) => this.#read(group, nowMs, signal)));
  }

  async #read(group: Group, nowMs: number, signal: AbortSignal): Promise<void> {
    const fed = this.#isFed(group);
    const gatherMs = fed ? this.#periods.gatherFedMs : this.#periods.gatherMs;
    const members = [...group.members.values()].filter((member) => leftMs(waitOf(member, fed), nowMs) <= gatherMs);
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
        member.net = undefined;
        const instance = found.get(member.id);
        if (fed && member.told && isUntold(member.seen, instance)) this.#feeds.missed(group.place.classRef);
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

  #isFed({ place }: Group): boolean {
    return this.#feeds.fedMs(place.classRef) > 0;
  }

  /** Begins to watch an instance, with what was told of it before. */
  #join(group: Group, id: string, key: ObjectKey): Watched {
    const { place } = group;
    const seen = this.#early.take(id);
    const member: Watched = { id, place, key, due: undefined, net: undefined, netMs: 0, told: false, seen };
    group.members.set(id, member);
    this.#byId.set(id, member);
    if (seen !== undefined) this.#feeds.heard(place.classRef);
    return member;
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
    for (const group of this.#groups.values()) {
      // A feed may fall silent without a word; then the other waits count.
      const fedMs = this.#feeds.fedMs(group.place.classRef);
      soonest = Math.min(soonest, nextMs(group, fedMs > 0, nowMs), fedMs > 0 ? fedMs : Number.POSITIVE_INFINITY);
    }
    await this.#alarm.sleep(soonest, signal);
  }
}

/** How long until a group is read; 0 when something of it is due. */
function nextMs({ members, pause }: Group, fed: boolean, nowMs: number): number {
  let soonest = Number.POSITIVE_INFINITY;
  for (const member of members.values()) soonest = Math.min(soonest, leftMs(waitOf(member, fed), nowMs));
  return Math.max(soonest, pause?.left(nowMs) ?? 0);
}

function waitOf({ due, net }: Watched, fed: boolean): Wait | undefined {
  return fed ? net : due;
}

/** Whether a read brought what an event should have told before. */
function isUntold(seen: Instance | "gone" | undefined, found: Instance | "gone" | undefined): boolean {
  if (found === undefined || seen === "gone") return false;
  return seen === undefined || found === "gone" || found.version > seen.version;
}

function leftMs(due: Wait | undefined, nowMs: number): number {
  return due?.left(nowMs) ?? Number.POSITIVE_INFINITY;
}

/** Instances of one class with one connection are read together; a class that was changed to another cluster makes a second group. */
function groupKey(place: Place): string {
  return canonicalJson(place);
}
