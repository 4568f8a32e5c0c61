import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import { isLater } from "../request/job-record.ts";
import type { Change } from "../kube/store.ts";
import { type DeepReadonly, keyOf, keyText } from "../kube/object.ts";
import { type Entry, entryOf, jobKey } from "./entry.ts";

type Request = DeepReadonly<RunnerRequest>;

/** Uncovered is a queued job that no request of its own serves any more. */
export interface Uncovered {
  /** The job's newest request: the one that is followed by a replacement. */
  readonly newest: Request;
  /** Number of that request among the job's replacements, 0 for the first request. */
  readonly replacement: number;
  /**
   * How many of the job's requests lost their runner to a job that nobody has a request for, or in another way. A runner that was taken by
   * a job of ours leaves that one's runner free, so it cost nothing; one that a stranger took did.
   */
  readonly lostToStrangers: number;
  /** Since when nobody serves the job, in milliseconds. */
  readonly sinceMs: number;
  /** When the job's first request was made, in milliseconds. */
  readonly firstMs: number;
}

interface Books {
  readonly entries: Map<string, Entry>;
  readonly jobs: Map<string, Set<Entry>>;
  /** Distinct jobs that are queued and not given up. */
  demand: number;
  /** Requests with a runner, or one on its way, that has no job. */
  supply: number;
  /** Requests that will have a runner without a job, now or after another attempt. */
  pledged: number;
}

/**
 * Ledger keeps the books of every bucket: GitHub assigns jobs by labels, so what counts is not whether a request's own job is still
 * there but whether a bucket's jobs and its runners balance.
 *
 * - demand is the distinct jobs still queued, whatever became of their own requests;
 * - supply is the live requests whose runner has no job yet.
 *
 * It is a cache that follows the informer: everything in it is a sum over requests, so a restart rebuilds it, and each change costs
 * the same however many requests there are.
 */
export class Ledger {
  readonly #books = new Map<string, Books>();
  /** The buckets of each target that have requests. */
  readonly #bucketsOfTarget = new Map<string, Set<string>>();
  /** Where each request was booked last: what its target is never changes, but a name may come back with another. */
  readonly #booked = new Map<string, Entry>();
  /** How many requests each job has in which bucket. */
  readonly #requestsOfJob = new Map<string, Map<string, number>>();
  /**
   * How many requests say that their runner has the job of another request. Intake writes that first, and to the job's own request some
   * time later (on a busy API server seconds): until then the job counts as waiting without this, and would get a runner for nothing.
   */
  readonly #takenJobs = new Map<string, number>();

  /** follow is the informer's handler. */
  follow(change: Change<Request>): void {
    if (change.type === "delete") this.#remove(keyText(keyOf(change.old)));
    else this.#put(entryOf(change.new));
  }

  /**
   * isSurplus tells whether a request is not needed any more, with its runner or before it has one. While supply exceeds demand,
   * those may leave whose own job is gone, then those whose job has a request that is further; the least advanced first. The order is
   * the same for everybody who looks, so two that ask at once do not both take the same place.
   *
   * @param request what the caller knows of it, which may be newer than what the informer has seen.
   */
  isSurplus(request: Request): boolean {
    const stored = this.#booked.get(keyText(keyOf(request)));
    const draft = entryOf(request);
    // What a pass has learnt of its own request counts, but only for its own question: whether it gets stored is not known yet.
    this.#put(draft);
    try {
      const books = this.#books.get(draft.bucket);
      if (books === undefined || !draft.supply || books.supply <= books.demand) return false;
      const own = dispensability(draft, books);
      if (own === undefined) return false;
      let before = 0;
      for (const entry of books.entries.values()) {
        if (!entry.supply || entry === draft) continue;
        const other = dispensability(entry, books);
        if (other !== undefined && compare([other, entry], [own, draft]) < 0) before += 1;
      }
      return before < books.supply - books.demand;
    } finally {
      if (stored === undefined) this.#remove(draft.text);
      else this.#put(stored);
    }
  }

  /** Whether a request's job is queued as far as anybody knows, and was not given up. */
  isWanted(request: Request): boolean {
    const entry = entryOf(request);
    const of = this.#books.get(entry.bucket)?.jobs.get(entry.job);
    return of !== undefined && this.#isDemand(entry.job, of);
  }

  /** What the job's other requests know of it that this one does not, if they know more. */
  laterNews(request: Request): Request | undefined {
    const own = entryOf(request);
    let latest = own;
    for (const entry of this.#books.get(own.bucket)?.jobs.get(own.job) ?? []) {
      if (isLater(entry.state, latest.state)) latest = entry;
    }
    return latest === own ? undefined : latest.request;
  }

  /** The other requests of a request's job. */
  *othersOfJob(request: Request): Iterable<Request> {
    const own = entryOf(request);
    for (const entry of this.#books.get(own.bucket)?.jobs.get(own.job) ?? []) {
      if (entry.text !== own.text) yield entry.request;
    }
  }

  /** uncovered lists the queued jobs of a target that need a replacement: in each of its buckets as many as demand exceeds what is pledged. */
  uncovered(target: string): readonly Uncovered[] {
    return [...(this.#bucketsOfTarget.get(target) ?? [])].flatMap((bucket) => this.#uncoveredIn(bucket));
  }

  /** Those of a bucket, the oldest first. */
  #uncoveredIn(bucket: string): readonly Uncovered[] {
    const books = this.#books.get(bucket);
    if (books === undefined) return [];
    const missing = books.demand - books.pledged;
    if (missing <= 0) return [];
    const found: Uncovered[] = [];
    for (const [job, entries] of books.jobs) {
      if (!this.#isDemand(job, entries) || [...entries].some((entry) => entry.pledged)) continue;
      const newest = newestOf(entries);
      found.push({
        newest: newest.request,
        replacement: newest.replacement,
        lostToStrangers: [...entries].filter((entry) => !entry.leftToAnother && !this.#isTakenByOurs(entry)).length,
        sinceMs: Math.max(...[...entries].map((entry) => entry.leftAtMs ?? 0)),
        firstMs: Math.min(...[...entries].map((entry) => Date.parse(entry.request.metadata.creationTimestamp ?? ""))),
      });
    }
    return found.sort(byAge).slice(0, missing);
  }

  #isTakenByOurs({ request, job }: Entry): boolean {
    const taken = request.status?.assignedJob;
    if (taken === undefined) return false;
    const key = jobKey(request.spec.job.host, taken.id);
    return key !== job && this.#requestsOfJob.has(key);
  }

  /** totals are the sums of a bucket. */
  totals(bucket: string): { readonly demand: number; readonly supply: number; readonly pledged: number } {
    const { demand = 0, supply = 0, pledged = 0 } = this.#books.get(bucket) ?? {};
    return { demand, supply, pledged };
  }

  #put(entry: Entry): void {
    this.#remove(entry.text);
    let books = this.#books.get(entry.bucket);
    if (books === undefined) {
      books = { entries: new Map(), jobs: new Map(), demand: 0, supply: 0, pledged: 0 };
      this.#books.set(entry.bucket, books);
      const buckets = this.#bucketsOfTarget.get(entry.target) ?? new Set<string>();
      this.#bucketsOfTarget.set(entry.target, buckets.add(entry.bucket));
    }
    this.#booked.set(entry.text, entry);
    this.#countRequest(entry, 1);
    books.entries.set(entry.text, entry);
    const of = books.jobs.get(entry.job) ?? new Set<Entry>();
    books.demand -= this.#isDemand(entry.job, of) ? 1 : 0;
    of.add(entry);
    books.demand += this.#isDemand(entry.job, of) ? 1 : 0;
    books.jobs.set(entry.job, of);
    books.supply += entry.supply ? 1 : 0;
    books.pledged += entry.pledged ? 1 : 0;
    this.#countTaken(entry.taken, 1);
  }

  /** Whether a job counts: nobody's runner is known to have it, and its own requests say that it waits. */
  #isDemand(job: string, of: ReadonlySet<Entry>): boolean {
    return !this.#takenJobs.has(job) && isDemand(of);
  }

  #countRequest({ job, bucket }: Entry, by: 1 | -1): void {
    const buckets = this.#requestsOfJob.get(job) ?? new Map<string, number>();
    const count = (buckets.get(bucket) ?? 0) + by;
    if (count === 0) buckets.delete(bucket);
    else buckets.set(bucket, count);
    if (buckets.size === 0) this.#requestsOfJob.delete(job);
    else this.#requestsOfJob.set(job, buckets);
  }

  /** Follows who has a job; the job's own requests may be in another bucket, or not be there yet. */
  #countTaken(job: string | undefined, by: 1 | -1): void {
    if (job === undefined) return;
    const holders = [...(this.#requestsOfJob.get(job)?.keys() ?? [])].flatMap((bucket) => this.#books.get(bucket) ?? []);
    const demand = (books: Books): number => (this.#isDemand(job, books.jobs.get(job) ?? new Set()) ? 1 : 0);
    for (const books of holders) books.demand -= demand(books);
    const count = (this.#takenJobs.get(job) ?? 0) + by;
    if (count === 0) this.#takenJobs.delete(job);
    else this.#takenJobs.set(job, count);
    for (const books of holders) books.demand += demand(books);
  }

  #remove(text: string): void {
    const entry = this.#booked.get(text);
    const books = entry && this.#books.get(entry.bucket);
    const of = entry && books?.jobs.get(entry.job);
    if (entry === undefined || books === undefined || of === undefined) return;
    this.#booked.delete(text);
    this.#countTaken(entry.taken, -1);
    this.#countRequest(entry, -1);
    books.entries.delete(text);
    books.demand -= this.#isDemand(entry.job, of) ? 1 : 0;
    of.delete(entry);
    books.demand += this.#isDemand(entry.job, of) ? 1 : 0;
    books.supply -= entry.supply ? 1 : 0;
    books.pledged -= entry.pledged ? 1 : 0;
    if (of.size === 0) books.jobs.delete(entry.job);
    if (books.entries.size > 0) return;
    this.#books.delete(entry.bucket);
    const buckets = this.#bucketsOfTarget.get(entry.target);
    buckets?.delete(entry.bucket);
    if (buckets?.size === 0) this.#bucketsOfTarget.delete(entry.target);
  }
}

/** A job counts while none of its requests has heard of a runner that took it, and one serves it or the newest has not given it up. */
function isDemand(entries: ReadonlySet<Entry>): boolean {
  if (entries.size === 0) return false;
  let pledged = false;
  for (const entry of entries) {
    if (entry.state !== "Queued") return false;
    pledged ||= entry.pledged;
  }
  return pledged || !newestOf(entries).gaveUp;
}

function newestOf(entries: ReadonlySet<Entry>): Entry {
  return [...entries].reduce((newest, entry) => (entry.replacement > newest.replacement ? entry : newest));
}

/** How soon a request may leave: 0 when its own job is gone, 1 when another request of its job is further, never otherwise. */
function dispensability(entry: Entry, books: Books): 0 | 1 | undefined {
  const of = books.jobs.get(entry.job) ?? new Set<Entry>();
  for (const { state } of of) if (state !== "Queued") return 0;
  for (const other of of) {
    if (other === entry || !other.pledged) continue;
    if (other.advance > entry.advance || (other.advance === entry.advance && other.replacement < entry.replacement)) return 1;
  }
  return undefined;
}

function compare([rankA, a]: readonly [number, Entry], [rankB, b]: readonly [number, Entry]): number {
  return rankA - rankB || a.advance - b.advance || (a.text < b.text ? -1 : 1);
}

function byAge(a: Uncovered, b: Uncovered): number {
  const [left, right] = [a.newest.spec.job, b.newest.spec.job];
  return left.queuedAt === right.queuedAt ? (left.id < right.id ? -1 : 1) : left.queuedAt < right.queuedAt ? -1 : 1;
}
