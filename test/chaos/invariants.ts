import type { Evidence } from "./evidence.ts";
import { bounds } from "./bounds.ts";
import { about, type Check, each, type Finding, idsIn, named, some } from "./finding.ts";
import { exceeded } from "./judge-capacity.ts";
import { unexpectedEnds } from "./judge-ends.ts";
import { interrupted, outlived, ranOnce } from "./judge-jobs.ts";
import { strangers, tooMany } from "./judge-requests.ts";

/** invariants are what must hold after every script, by name. */
export const invariants = {
  "the world comes to rest": ({ rest }) =>
    rest.reached
      ? []
      : [about(`not within ${rest.boundMs / 1_000} s of the last fault: ${some(rest.missing)}`, idsIn(rest.missing))],
  "every covered job runs exactly once": ({ jobs }) => jobs.flatMap(ranOnce),
  "jobs that no target covers run nowhere": ({ jobs }) =>
    jobs
      .filter(({ coverage, startedBy }) => (coverage === "foreign" || coverage === "rejected") && startedBy.length > 0)
      .map((job) => about(`${named(job)} ran on ${job.startedBy.join(", ")}`, [job.id])),
  "no instance is left": ({ liveTasks }) => each(liveTasks, (task) => `task ${task} lives`),
  "no registration is left": ({ registrations }) => each(registrations, (runner) => `runner ${runner} is registered`),
  "no request is held": ({ held }) => each(held, (request) => `request ${request} has its finalizer`),
  "one attempt has one live instance": ({ doubledAttempts }) => each(doubledAttempts, (key) => `two tasks at a time for ${key}`),
  "one request has one live attempt": ({ doubledRequests }) => each(doubledRequests, (key) => `two tasks at a time for ${key}`),
  "one attempt starts one instance": ({ repeatedAttempts }) => each(repeatedAttempts, (key) => `two tasks for ${key}`),
  "no job is given to two runners": ({ doubleAssigned }) => each(doubleAssigned, (job) => job),
  "only covered jobs have requests, of the target that covers them": strangers,
  "no more runners are started than jobs and faults explain": tooMany,
  "what was acknowledged is stored": ({ unstored }) => each(unstored, (delivery) => delivery),
  "what is written never goes back": ({ backward }) => each(backward, (change) => change),
  "maxRunners is never exceeded": exceeded,
  "no busy runner is stopped by the operator": (evidence) => [
    ...interrupted(evidence),
    ...each(evidence.stoppedBusy, (stop) => stop),
  ],
  "a job that outlives timeouts.job is stopped": outlived,
  "no JIT configuration is used twice": ({ reused }) => each(reused, (runner) => `runner ${runner}`),
  "no call is wrong": ({ violations }) => each(violations, (violation) => violation),
  "no secret is shown": ({ leaks }) => each(leaks, (where) => `a secret stands in ${where}`),
  "operators end only when told, or with a lost Lease": unexpectedEnds,
  "memory returns to its level": ({ memory }) =>
    memory.flatMap(({ operator, runs, liveHeap }) => {
      if (liveHeap === undefined) return runs ? [about(`the heap of operator ${operator} could not be read`)] : [];
      return liveHeap > bounds.liveHeapMiB ? [about(`the heap of operator ${operator} holds ${liveHeap} MiB at rest`)] : [];
    }),
  "an outage of GitHub is not hammered": ({ outages }) =>
    outages
      .filter(({ calls, requests }) => calls > bounds.outageCalls + bounds.outageCallsPerRequest * requests)
      .map(({ ms, calls, requests }) => about(`${calls} calls in ${ms} ms, while ${requests} requests were open`)),
} as const satisfies Readonly<Record<string, Check>>;

export type InvariantName = keyof typeof invariants;

/** judge gives everything that does not hold. */
export function judge(evidence: Evidence): Finding[] {
  return Object.entries<Check>(invariants).flatMap(([invariant, check]) =>
    check(evidence).map((finding) => ({ invariant, ...finding })),
  );
}
