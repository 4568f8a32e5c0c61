import type { Clock } from "../../util/clock.ts";
import { Wait } from "../../util/wait.ts";
import type { ClassKey } from "./world.ts";

/**
 * A feed lives for so long after it was last read. It promises a delivery every half minute; this is that and a retry, and no waiting
 * time of ours that could be scaled.
 */
const liveMs = 60_000;

interface Stream {
  live: Wait | undefined;
  sinceMs: number;
}

interface FedClass {
  readonly cls: ClassKey;
  readonly stream: Stream;
  /** Its instances have been heard of through the stream that lives. */
  heard: boolean;
  /** Since a read brought what no event had told, until an event of the class comes. */
  suspect: Wait | undefined;
}

/**
 * FeedHealth says which classes' instances need not be read often, because their changes are told. A class has to earn that: its feed must
 * live, and must have told of one of the class' instances. A queue that answers says nothing about the rule that should fill it, and
 * a class that trusted an empty queue would learn of everything minutes late.
 *
 * When a read brings what should have been told, the feed is given a little time, since the event may be on its way; a class that
 * has still heard nothing then is read at the usual pace again.
 */
export class FeedHealth {
  readonly #clock: Clock;
  readonly #suspectMs: number;
  /** By key of the feed; entries leave when no class has it. */
  readonly #streams = new Map<string, Stream>();
  /** By class; a class is there while it exists and has a feed. */
  readonly #classes = new Map<string, FedClass>();

  constructor(clock: Clock, periods: { readonly feedSuspectMs: number }) {
    this.#clock = clock;
    this.#suspectMs = periods.feedSuspectMs;
  }

  /** assign notes which classes have which feed; a class that got another one begins anew. */
  assign(classesByFeed: ReadonlyMap<string, readonly ClassKey[]>): void {
    for (const key of this.#streams.keys()) if (!classesByFeed.has(key)) this.#streams.delete(key);
    const present = new Set<string>();
    for (const [key, classes] of classesByFeed) {
      const stream = this.#streams.get(key) ?? { live: undefined, sinceMs: Number.POSITIVE_INFINITY };
      this.#streams.set(key, stream);
      for (const cls of classes) {
        present.add(nameOf(cls));
        if (this.#classes.get(nameOf(cls))?.stream !== stream)
          this.#classes.set(nameOf(cls), { cls, stream, heard: false, suspect: undefined });
      }
    }
    for (const name of this.#classes.keys()) if (!present.has(name)) this.#classes.delete(name);
  }

  /** received notes that a feed was read just now. Returns whether it begins to live, so that what happened before may be unknown. */
  received(key: string): boolean {
    const stream = this.#streams.get(key);
    if (stream === undefined) return false;
    const nowMs = this.#clock.now();
    const begins = !isLive(stream, nowMs);
    if (begins) {
      stream.sinceMs = nowMs;
      for (const known of this.#classes.values()) if (known.stream === stream) forgetTrust(known);
    }
    stream.live = new Wait(nowMs, liveMs);
    return begins;
  }

  /** isLive tells whether a feed was read within the last minute. */
  isLive(key: string): boolean {
    const stream = this.#streams.get(key);
    return stream !== undefined && isLive(stream, this.#clock.now());
  }

  /** heard notes that an instance of the class was told of. */
  heard(cls: ClassKey): void {
    const known = this.#classes.get(nameOf(cls));
    if (known === undefined) return;
    known.heard = true;
    known.suspect = undefined;
  }

  /** missed notes that a read brought what should have been told. */
  missed(cls: ClassKey): void {
    const known = this.#classes.get(nameOf(cls));
    if (known?.heard === true) known.suspect ??= new Wait(this.#clock.now(), this.#suspectMs);
  }

  /** fedMs is how long the class' changes are told for certain, unless that is prolonged; 0 when they are not. */
  fedMs(cls: ClassKey): number {
    const known = this.#classes.get(nameOf(cls));
    if (known?.heard !== true) return 0;
    const nowMs = this.#clock.now();
    return Math.min(known.stream.live?.left(nowMs) ?? 0, known.suspect?.left(nowMs) ?? Number.POSITIVE_INFINITY);
  }

  /** liveSinceMs is since when the class' feed has been read without a gap; later than any moment when it is not. */
  liveSinceMs(cls: ClassKey): number {
    const stream = this.#classes.get(nameOf(cls))?.stream;
    return stream !== undefined && isLive(stream, this.#clock.now()) ? stream.sinceMs : Number.POSITIVE_INFINITY;
  }

  /** takeDeaf returns the classes of a feed that it does not tell what it should, although it lives; each once. */
  takeDeaf(key: string): ClassKey[] {
    const nowMs = this.#clock.now();
    const stream = this.#streams.get(key);
    if (stream === undefined || !isLive(stream, nowMs)) return [];
    const deaf = [...this.#classes.values()].filter((known) => known.stream === stream && known.suspect?.isOver(nowMs) === true);
    for (const known of deaf) forgetTrust(known);
    return deaf.map(({ cls }) => cls);
  }
}

function forgetTrust(known: FedClass): void {
  known.heard = false;
  known.suspect = undefined;
}

function isLive({ live }: Stream, nowMs: number): boolean {
  return live !== undefined && !live.isOver(nowMs);
}

function nameOf({ kind, namespace, name }: ClassKey): string {
  return `${kind}/${namespace}/${name}`;
}
