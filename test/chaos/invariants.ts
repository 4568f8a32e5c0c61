import type { Evidence, JobFacts } from "./evidence.ts";
import { isCovered } from "./layout.ts";

/** Finding is one thing that does not hold, with the jobs that it is about. */
export interface Finding {
  readonly invariant: string;
  readonly detail: string;
  readonly jobs: readonly number[];
}

/** Bounds that are not from the design but from what was seen of healthy runs, with room. */
export const bounds = {
  /** What is left in a heap at rest, in MiB, with some hundred finished requests in the store; an idle process has about 30. */
  liveHeapMiB: 70,
  /** Calls to a GitHub that answers nothing: two processes ask for tokens, lists and readiness ... */
  outageCalls: 80,
  /** ... and for each request that waits, a few times at growing distances: 108 seconds of production have room for 7. */
  outageCallsPerRequest: 7,
  /** Until the operator has heard that a limit was lowered, a launch that it has begun may end under the old one. */
  loweringMs: 8_000,
} as const;

type Check = (evidence: Evidence) => readonly Omit<Finding, "invariant">[];

/** invariants are what must hold after every script, by name. */
export const invariants: Readonly<Record<string, Check>> = {
  "the world comes to rest": ({ rest }) =>
    rest.reached
      ? []
      : [about(`not within ${rest.boundMs / 1_000} s of the last fault: ${some(rest.missing)}`, idsIn(rest.missing))],
  "every covered job runs exactly once": ({ jobs }) => jobs.flatMap(ranOnce),
  "jobs that no target covers run nowhere": ({ jobs }) =>
    jobs
      .filter(({ coverage, startedBy }) => coverage === "foreign" && startedBy.length > 0)
      .map((job) => about(`${named(job)} ran on ${job.startedBy.join(", ")}`, [job.id])),
  "no instance is left": ({ liveTasks }) => each(liveTasks, (task) => `task ${task} lives`),
  "no registration is left": ({ registrations }) => each(registrations, (runner) => `runner ${runner} is registered`),
  "no request is held": ({ held }) => each(held, (request) => `request ${request} has its finalizer`),
  "one attempt has one live instance": ({ doubledAttempts }) => each(doubledAttempts, (key) => `two tasks at a time for ${key}`),
  "one request has one live attempt": ({ doubledRequests }) => each(doubledRequests, (key) => `two tasks at a time for ${key}`),
  "maxRunners is never exceeded": exceeded,
  "no busy runner is stopped by the operator": ({ jobs }) =>
    jobs
      .filter((job) => job.startedBy.length > 0 && job.conclusion === "cancelled" && !job.cancelled && job.excuse === undefined)
      .map((job) => about(`${named(job)} was interrupted on ${job.startedBy.join(", ")}`, [job.id])),
  "no JIT configuration is used twice": ({ reused }) => each(reused, (runner) => `runner ${runner}`),
  "no call is wrong": ({ violations }) => each(violations, (violation) => violation),
  "no secret is shown": ({ leaks }) => each(leaks, (where) => `a secret stands in ${where}`),
  "operators end only when told, or with a lost Lease": unexpectedEnds,
  "memory returns to its level": ({ memory }) =>
    memory
      .filter(({ liveHeap = 0 }) => liveHeap > bounds.liveHeapMiB)
      .map(({ operator, liveHeap }) => about(`the heap of operator ${operator} holds ${liveHeap} MiB at rest`)),
  "an outage of GitHub is not hammered": ({ outages }) =>
    outages
      .filter(({ calls, requests }) => calls > bounds.outageCalls + bounds.outageCallsPerRequest * requests)
      .map(({ ms, calls, requests }) => about(`${calls} calls in ${ms} ms, while ${requests} requests were open`)),
};

/** judge gives everything that does not hold. */
export function judge(evidence: Evidence): Finding[] {
  return Object.entries(invariants).flatMap(([invariant, check]) =>
    check(evidence).map((finding) => ({ invariant, ...finding })),
  );
}

function ranOnce(job: JobFacts): Omit<Finding, "invariant">[] {
  const { startedBy, cancelled, conclusion, wanted, excuse, status } = job;
  if (startedBy.length > 1) return [about(`${named(job)} ran on ${startedBy.join(" and ")}`, [job.id])];
  if (!isCovered(job.coverage) || cancelled) return [];
  if (startedBy.length === 0) return [about(`${named(job)} never ran: ${status} ${conclusion ?? ""}`.trim(), [job.id])];
  if (status !== "completed") return [about(`${named(job)} is still ${status} on ${startedBy.join()}`, [job.id])];
  if (conclusion !== wanted && excuse === undefined) {
    return [
      about(`${named(job)} ended as ${conclusion} instead of ${wanted} on ${startedBy.join()}, and the script did not do that`, [
        job.id,
      ]),
    ];
  }
  return [];
}

/**
 * The limit at an instant is the newest maxRunners; after it was lowered the one before counts until the excess has gone, at least for
 * as long as a launch may be under way.
 */
function exceeded({ counts, limits }: Evidence): Omit<Finding, "invariant">[] {
  const findings: Omit<Finding, "invariant">[] = [];
  for (const target of new Set(counts.map((count) => count.target))) {
    const changes = limits.filter((limit) => limit.target === target).toSorted((a, b) => a.at - b.at);
    let [allowed, settlesAt]: [number, number] = [0, 0];
    let next = 0;
    for (const { at, live } of counts.filter((count) => count.target === target)) {
      for (; next < changes.length && (changes[next]?.at ?? 0) <= at; next++) {
        const { max, at: since } = changes[next] ?? { max: 0, at: 0 };
        if (max < allowed) settlesAt = since + bounds.loweringMs;
        allowed = Math.max(allowed, max);
      }
      const current = changes[next - 1]?.max ?? 0;
      if (live > allowed) {
        findings.push(about(`target ${target} had ${live} tasks at ${new Date(at).toISOString()}, and ${allowed} may be`));
        break;
      }
      if (live <= current && at >= settlesAt) allowed = current;
    }
  }
  return findings;
}

function unexpectedEnds({ exits, fatal, leaseRisks }: Evidence): Omit<Finding, "invariant">[] {
  const mayLose = (at: number): boolean => leaseRisks.some(({ from, to }) => at >= from && at <= to);
  const wrong = exits.filter(({ planned, code, lostLease, at }) => {
    if (lostLease && mayLose(at)) return false;
    return !planned || (code !== 0 && code !== 137);
  });
  const ends = wrong.map(({ operator, code, at, planned, lostLease }) =>
    about(
      `operator ${operator} ended with ${code} ${planned ? "when it was told to stop" : lostLease ? "with a lost Lease without a reason" : "by itself"} at ${new Date(at).toISOString()}`,
    ),
  );
  const lines = fatal.filter((line) => !line.includes("lost the Lease"));
  return [...ends, ...lines.map((line) => about(line.slice(0, 600)))];
}

function about(detail: string, jobs: readonly number[] = []): Omit<Finding, "invariant"> {
  return { detail, jobs };
}

function each(items: readonly string[], say: (item: string) => string): Omit<Finding, "invariant">[] {
  return items.map((item) => about(say(item), idsIn([item])));
}

/** Request, runner and task group are named after the job, whose ids are long. */
function idsIn(texts: readonly string[]): number[] {
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/\bjob[- ](\d{9,})/g)].map(([, id]) => Number(id))))];
}

function named({ id, name, coverage }: JobFacts): string {
  return `job ${id} "${name}" for ${coverage}`;
}

function some(items: readonly string[]): string {
  const shown = items.slice(0, 5).join("; ");
  return items.length > 5 ? `${shown}; and ${items.length - 5} more` : shown;
}
