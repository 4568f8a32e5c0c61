import type { Clock } from "../../../../src/util/clock.ts";
import type { Settings } from "../options.ts";
import type { Account, App, Installation, Job, Repository, Run, Runner, Token } from "./model.ts";
import { Random } from "./random.ts";

/** entryKinds is everything that the journal may say. */
export const entryKinds = [
  "runner-minted",
  "runner-online",
  "runner-offline",
  "runner-gone",
  "runner-renewed",
  "job-waiting",
  "job-queued",
  "job-assigned",
  "job-requeued",
  "job-started",
  "job-cancel-requested",
  "job-completed",
  "webhook-sent",
  "webhook-lost",
  "api-call",
  "token-issued",
] as const;
export type EntryKind = (typeof entryKinds)[number];

/** Entry is one line of the journal: what happened, when, to whom. It never holds a secret. */
export interface Entry {
  readonly at: number;
  readonly kind: EntryKind;
  readonly job?: Job;
  readonly runner?: Runner;
  readonly detail?: string;
}

/** The journal is for people who look into a failed run, so the newest part is what counts. */
const journalLimit = 200_000;

/** World is all that the simulated GitHub knows; the functions beside it are the only ones that change it. */
export class World {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  /** Where runners and REST clients reach the simulator; set once it listens. */
  url = "";
  readonly accounts = new Map<string, Account>();
  readonly repositories = new Map<string, Repository>();
  /** Old full names of renamed repositories. */
  readonly moved = new Map<string, Repository>();
  readonly apps = new Map<number, App>();
  readonly installations = new Map<number, Installation>();
  readonly tokens = new Map<string, Token>();
  readonly runners = new Map<number, Runner>();
  readonly gone: Runner[] = [];
  /** Names that stay taken for a moment after their runner ended: scope and name -> until when. */
  readonly reservedNames = new Map<string, number>();
  readonly jobs = new Map<number, Job>();
  /** The jobs that have not ended: what assignment and time look at. */
  readonly open = new Set<Job>();
  readonly runs = new Map<number, Run>();
  /** Runs so far, by repository id. */
  readonly runNumbers = new Map<number, number>();
  /** How far GitHub's clock is ahead of the injected one. */
  skewMs = 0;
  /** How many App keys were made. */
  appKeys = 0;
  /** While true no job is given to any runner. */
  assignmentsHeld = false;
  readonly journal: Entry[] = [];
  /** Everything secret that was ever handed out, for tests that look for leaks. */
  readonly secrets = new Set<string>();
  readonly #listeners = new Set<(entry: Entry) => void>();
  #nextId = 1;

  constructor(settings: Settings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    this.random = new Random(settings.seed);
  }

  now(): number {
    return this.clock.now() + this.skewMs;
  }

  /** A small id for accounts, repositories, runners and the like. */
  id(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  /** Job and run ids passed 2^31 long ago: clients that keep them in 32 bits must break here. */
  largeId(): number {
    return 31_000_000_000 + this.id();
  }

  record(kind: EntryKind, about: { job?: Job | undefined; runner?: Runner | undefined; detail?: string } = {}): void {
    const entry: Entry = {
      at: this.now(),
      kind,
      ...(about.job && { job: about.job }),
      ...(about.runner && { runner: about.runner }),
      ...(about.detail !== undefined && { detail: about.detail }),
    };
    this.journal.push(entry);
    if (this.journal.length > journalLimit) this.journal.splice(0, journalLimit / 10);
    for (const listener of this.#listeners) listener(entry);
  }

  /** Listeners run in the middle of the change, so a test can act between any two steps. */
  listen(listener: (entry: Entry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** fullName is `owner/name` as GitHub writes it. */
export function fullName(repository: Repository): string {
  return `${repository.owner.login}/${repository.name}`;
}
