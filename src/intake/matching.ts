import type { GitHubApp } from "../api/v1alpha1/github-app.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey } from "../kube/object.ts";
import { type ParsedLabels, parseLabels } from "../overrides/parse.ts";
import { policyProblems } from "../overrides/policy.ts";
import { globMatches } from "../util/glob.ts";

/** As many as a RunnerRequest holds, and as GitHub takes for a runner. */
const maxLabels = 100;

/** App is a GitHubApp as a store hands it out. */
export type App = DeepReadonly<GitHubApp>;
/** Target is a RunnerTarget as a store hands it out. */
export type Target = DeepReadonly<RunnerTarget>;

/** JobDemand is the part of a job that decides which target serves it. */
export interface JobDemand {
  readonly labels: readonly string[];
  /** As owner/name. */
  readonly repository: string;
  /** GitHub's internal repositories are seen by the enterprise only, so they count as private. */
  readonly visibility: "public" | "private" | "internal";
}

/** Match is the target that serves a job, or in words why none does. */
export type Match =
  | {
      readonly target: Target;
      /** What the job asks for beside ordinary labels. */
      readonly asked: ParsedLabels;
      /** Why the target, the nearest of all, does not give the job the runner that it asks for. */
      readonly rejected?: string;
    }
  | { readonly target: undefined; readonly reason: string };

/**
 * matchTarget chooses the target that serves a job which one of `apps` told of. It is GitHub's own rule, labels as sets without
 * case, bounded by what the targets and the Apps allow. When several targets cover the job, the order is
 *
 * 1. the highest priority,
 * 2. a repository's target before its organisation's,
 * 3. the fewest labels that the job did not ask for,
 * 4. namespace and name,
 *
 * so the order of `targets` never matters. Override labels (cpu=4) are no labels of a target: its policy judges them. A target that does
 * not allow them comes after all that do; when it is the only one, the job gets a request all the same, which says why it is rejected.
 */
export function matchTarget(job: JobDemand, apps: readonly App[], targets: Iterable<Target>): Match {
  // The empty set is a subset of every set: without this, a job that names only a runner group would start runners everywhere.
  if (job.labels.length === 0) {
    return {
      target: undefined,
      reason: `a job without labels is never served: name a RunnerTarget's labels in runs-on (${job.repository})`,
    };
  }
  const asked = parseLabels(job.labels);
  if (asked.plain.length === 0) {
    return {
      target: undefined,
      reason: `a job with no labels but [${list(job.labels)}] is never served: name a RunnerTarget's labels besides (${job.repository})`,
    };
  }
  const wanted = labelSet(asked.plain);
  let best: Candidate | undefined;
  let closest: Refusal | undefined;
  for (const target of targets) {
    const app = appOf(target, apps);
    if (app === undefined) continue;
    const verdict = judge(job, wanted, asked, app, target);
    if ("refused" in verdict) {
      if (closest === undefined || isCloser(verdict, closest)) closest = verdict;
    } else if (best === undefined || isBetter(verdict, best)) {
      best = verdict;
    }
  }
  if (best === undefined) return { target: undefined, reason: whyNone(job, apps, closest) };
  return { target: best.target, asked, ...(best.rejected !== undefined && { rejected: best.rejected }) };
}

/** TargetVerdict is what one target says to a job. */
export interface TargetVerdict {
  readonly target: Target;
  /**
   * Takes: the job gets its runner here. Outranked: it would, but another one comes first. Rejects: the job gets a request that says why
   * it may not have what it asks for. Refuses: the target does not serve the job.
   */
  readonly verdict: "Takes" | "Outranked" | "Rejects" | "Refuses";
  /** Why, for all but Takes. */
  readonly why: string;
}

/**
 * verdictsOf is what every target says to a job, for people: first those that could take it in the order of matchTarget, whose choice it
 * shares, then those that refuse it, the closest first.
 */
export function verdictsOf(job: JobDemand, apps: readonly App[], targets: Iterable<Target>): TargetVerdict[] {
  const all = [...targets];
  const match = matchTarget(job, apps, all);
  const asked = parseLabels(job.labels);
  const wanted = labelSet(asked.plain);
  const candidates: Candidate[] = [];
  const refusals: Refusal[] = [];
  const strangers: TargetVerdict[] = [];
  for (const target of all) {
    const app = appOf(target, apps);
    if (app === undefined) {
      const why = `its GitHubApp ${keyText(appKeyOf(target))} does not exist, or is of another host`;
      strangers.push({ target, verdict: "Refuses", why });
      continue;
    }
    const judged = judge(job, wanted, asked, app, target);
    if ("refused" in judged) refusals.push(judged);
    // A job without ordinary labels is served by nobody, and here it would fit everywhere.
    else if (wanted.size === 0) strangers.push({ target, verdict: "Refuses", why: "the job names none of its labels" });
    else candidates.push(judged);
  }
  candidates.sort((a, b) => (isBetter(a, b) ? -1 : 1));
  refusals.sort((a, b) => (isCloser(a, b) ? -1 : 1));
  return [
    ...candidates.map(({ target, rejected }): TargetVerdict => {
      if (rejected !== undefined) return { target, verdict: "Rejects", why: rejected };
      if (target === match.target) return { target, verdict: "Takes", why: "" };
      const first = match.target === undefined ? "another one" : `RunnerTarget ${keyText(keyOf(match.target))}`;
      return { target, verdict: "Outranked", why: `it would, but ${first} comes first: ${whyFirst(candidates[0], target)}` };
    }),
    ...refusals.map(({ target, refused, why }): TargetVerdict => {
      return { target, verdict: "Refuses", why: refused === "scope" ? `${job.repository} is not in its scope` : why };
    }),
    ...strangers.sort((a, b) => byKey(a.target, b.target)),
  ];
}

/** appKeyOf is the key of the GitHubApp that a target uses. */
export function appKeyOf(target: Target): ObjectKey {
  const { name, namespace } = target.spec.githubAppRef;
  return { namespace: namespace ?? target.metadata.namespace ?? "", name };
}

/** hostOf is the host of an App's GitHub, with its port if it has an unusual one. */
export function hostOf(app: App): string {
  const { host } = new URL(app.spec.url);
  // People open both, and both are the same GitHub.
  return host === "www.github.com" ? "github.com" : host;
}

/** admits tells whether an App's `access` lets the targets of a namespace serve a repository. */
export function admits(app: App, namespace: string, repository: string): boolean {
  const { access } = app.spec;
  if (access === undefined) return namespace === app.metadata.namespace;
  return access.some(
    (grant) =>
      grant.namespaces.includes(namespace) &&
      (grant.repositories === undefined || grant.repositories.some((glob) => globMatches(glob, repository))),
  );
}

interface Candidate {
  readonly target: Target;
  /** Labels of the target that the job did not ask for. */
  readonly extra: number;
  /** Why it does not allow the job's override labels. */
  readonly rejected?: string;
}

/** How far a target came before it was refused; the further, the more its refusal explains. */
const steps = ["scope", "labels", "deleting", "access", "include", "exclude", "public"] as const;

interface Refusal {
  readonly target: Target;
  readonly refused: (typeof steps)[number];
  /** With "labels": how many fit; more is closer. */
  readonly fitting: number;
  readonly why: string;
}

function judge(job: JobDemand, wanted: ReadonlySet<string>, asked: ParsedLabels, app: App, target: Target): Candidate | Refusal {
  const { spec } = target;
  const named = `RunnerTarget ${keyText(keyOf(target))}`;
  const refuse = (refused: Refusal["refused"], why: string, fitting = 0): Refusal => ({ target, refused, why, fitting });

  if (!inScope(spec.scope, job.repository)) return refuse("scope", "");
  const offered = labelSet(spec.labels);
  const missing = [...wanted].filter((label) => !offered.has(label));
  const extra = [...offered].filter((label) => !wanted.has(label));
  if (missing.length > 0) return refuse("labels", `${named} lacks ${list(missing)}`, wanted.size - missing.length);
  if (spec.match === "Exact" && extra.length > 0) {
    return refuse("labels", `${named} matches exactly and has ${list(extra)} besides`, wanted.size);
  }
  if (target.metadata.deletionTimestamp !== undefined) return refuse("deleting", `${named} is being deleted`);
  if (!admits(app, target.metadata.namespace ?? "", job.repository)) {
    return refuse("access", `the access of GitHubApp ${keyText(keyOf(app))} does not give ${job.repository} to ${named}`);
  }
  const { include, exclude, allowPublic } = spec.repositories;
  if (include !== undefined && !include.some((glob) => globMatches(glob, job.repository))) {
    return refuse("include", `${job.repository} is not among the repositories.include of ${named}`);
  }
  const excluding = exclude.find((glob) => globMatches(glob, job.repository));
  if (excluding !== undefined) return refuse("exclude", `${job.repository} is excluded by ${excluding} of ${named}`);
  if (job.visibility === "public" && !allowPublic) {
    return refuse("public", `${job.repository} is public and ${named} has allowPublic false`);
  }
  const rejected = [
    ...asked.problems,
    ...policyProblems(asked.overrides, spec.overrides, `RunnerTarget ${target.metadata.name}`),
  ];
  if (rejected.length === 0) return { target, extra: extra.length };
  // A target without a policy does not know the language, so a key that is none of ours may be meant for somebody else's runners.
  const foreign = !asked.known && spec.overrides === undefined;
  if (foreign || job.labels.length > maxLabels) return refuse("labels", `${named} lacks ${list(asked.labels)}`, wanted.size);
  return { target, extra: extra.length, rejected: rejected.join("; ") };
}

function isBetter(a: Candidate, b: Candidate): boolean {
  const specific = (candidate: Candidate) => (candidate.target.spec.scope.repository === undefined ? 0 : 1);
  const order =
    Number(a.rejected !== undefined) - Number(b.rejected !== undefined) ||
    b.target.spec.priority - a.target.spec.priority ||
    specific(b) - specific(a) ||
    a.extra - b.extra ||
    byKey(a.target, b.target);
  return order < 0;
}

/** The first of isBetter's rules that puts a candidate before a target. */
function whyFirst(best: Candidate | undefined, { spec }: Target): string {
  const first = best?.target.spec;
  if (first === undefined) return "";
  if (first.priority !== spec.priority) return `its priority is ${first.priority}, not ${spec.priority}`;
  if ((first.scope.repository === undefined) !== (spec.scope.repository === undefined)) return "it is the repository's own";
  if (labelSet(first.labels).size !== labelSet(spec.labels).size) return "it has fewer labels that the job did not ask for";
  return "its name comes first";
}

function isCloser(a: Refusal, b: Refusal): boolean {
  const order = steps.indexOf(b.refused) - steps.indexOf(a.refused) || b.fitting - a.fitting || byKey(a.target, b.target);
  return order < 0;
}

function byKey(a: Target, b: Target): number {
  const [left, right] = [keyText(keyOf(a)), keyText(keyOf(b))];
  return left < right ? -1 : left > right ? 1 : 0;
}

function whyNone(job: JobDemand, apps: readonly App[], closest: Refusal | undefined): string {
  if (closest === undefined) {
    return `no RunnerTarget uses GitHubApp ${list(apps.map((app) => keyText(keyOf(app))))}`;
  }
  if (closest.refused === "scope") return `no RunnerTarget has ${job.repository} in its scope`;
  if (closest.refused !== "labels") return closest.why;
  const none = `no RunnerTarget covers labels [${list(job.labels)}] in ${job.repository}`;
  // A target that shares no label says nothing: most such jobs are meant for GitHub's own runners.
  return closest.fitting === 0 ? none : `${none}; ${closest.why}`;
}

function appOf(target: Target, apps: readonly App[]): App | undefined {
  const { namespace, name } = appKeyOf(target);
  return apps.find((app) => app.metadata.name === name && app.metadata.namespace === namespace);
}

function inScope(scope: Target["spec"]["scope"], repository: string): boolean {
  const name = repository.toLowerCase();
  if (scope.repository !== undefined) return scope.repository.toLowerCase() === name;
  return scope.organization !== undefined && name.startsWith(`${scope.organization.toLowerCase()}/`);
}

function labelSet(labels: readonly string[]): ReadonlySet<string> {
  return new Set(labels.map((label) => label.toLowerCase()));
}

/** Labels are free text of strangers: what is shown of them is bounded. */
function list(words: readonly string[]): string {
  const shown = words.slice(0, 10).map((word) => (word.length > 60 ? `${word.slice(0, 60).toWellFormed()}…` : word));
  return `${shown.join(", ")}${words.length > shown.length ? `, and ${words.length - shown.length} more` : ""}`;
}
