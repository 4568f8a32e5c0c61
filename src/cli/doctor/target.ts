import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { ECSRunnerClass } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { appKeyOf, classKeyOf } from "../../controllers/runner-request/world.ts";
import { judge } from "../../controllers/runner-target/readiness.ts";
import { judgeVersion } from "../../controllers/runner-target/runner-version.ts";
import { verdictsOf } from "../../intake/matching.ts";
import { getCondition } from "../../kube/conditions.ts";
import { type DeepReadonly, keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import { parseDurationMs } from "../../util/duration.ts";
import { globMatches } from "../../util/glob.ts";
import type { AppSubject } from "./app-subject.ts";
import { type Check, fail, ok, orOk, type Outcome, skip, warn } from "./check.ts";
import type { Context } from "./context.ts";
import { policyOutcomes } from "./policy.ts";
import { readinessOutcomes } from "./readiness.ts";
import { registrationOutcomes } from "./registration.ts";

/** TargetSubject is a target to be checked. */
export interface TargetSubject {
  readonly target: RunnerTarget;
  readonly context: Context;
  readonly app: AppSubject | undefined;
}

/** targetChecks are about a RunnerTarget. */
export const targetChecks: readonly Check<TargetSubject>[] = [
  { name: "readiness", run: ({ target }) => readinessOutcomes(target.status?.conditions, target.metadata.generation) },
  { name: "runner version", run: ({ target, context }) => runnerVersionOutcomes(target, context.clock.now()) },
  { name: "references", run: referenceOutcomes },
  { name: "labels", run: ({ target }) => labelOutcomes(target.spec.labels) },
  {
    name: "precedence",
    run: ({ target, context }) => precedenceOutcomes(target, context.objects.targets.items, context.objects.apps.items),
  },
  { name: "limits", run: ({ target }) => limitOutcomes(target) },
  { name: "repositories", run: ({ target }) => repositoryOutcomes(target) },
  {
    name: "overrides",
    run: (subject) => policyOutcomes(subject.target.spec.overrides, classOf(subject)?.spec, subject.target.spec.classRef.name),
  },
  { name: "registration", run: registrationOutcomes },
];

/** runnerVersionOutcomes say how old the runners are that really connected: a tag may say another version than what is in the image. */
export function runnerVersionOutcomes({ status }: Pick<RunnerTarget, "status">, nowMs: number): readonly Outcome[] {
  const verdict = judgeVersion(status?.runnerVersion, nowMs);
  if (verdict === undefined)
    return [skip("no runner of it has told its version yet", "nothing: the first one that connects does")];
  if (verdict.status === "Unknown") return [skip(verdict.message, "nothing: the operator asks once a day")];
  if (verdict.status === "True") return [ok(verdict.message)];
  const advice = "build the image with the newest runner, and name it in the class; see docs/runbooks/GetabakoRunnerOutdated.md";
  const late = verdict.deadlineMs === undefined || verdict.deadlineMs <= nowMs;
  const message = verdict.message.replace(/\. Build [^.]*$/, "");
  return [late ? fail(message, advice) : warn(message, advice)];
}

function find<T extends { readonly metadata: { readonly name: string; readonly namespace?: string } }>(
  items: readonly T[],
  key: ObjectKey,
): T | undefined {
  return items.find((item) => keyText(keyOf(item)) === keyText({ namespace: key.namespace, name: key.name }));
}

function classOf({ target, context }: TargetSubject): ECSRunnerClass | undefined {
  return find(context.objects.classes.items, classKeyOf(target));
}

/** What the target refers to is judged anew: the operator's word may be older, and a class that nobody could read is no verdict. */
function referenceOutcomes(subject: TargetSubject): readonly Outcome[] {
  const { target, context } = subject;
  const { apps, classes } = context.objects;
  if (apps.error !== undefined || classes.error !== undefined) return [skip("GitHubApps or classes could not be read")];
  const app = find(apps.items, appKeyOf(target));
  const cls = classOf(subject);
  const verdict = judge(
    target,
    { key: appKeyOf(target), found: app },
    {
      kind: target.spec.classRef.kind,
      key: classKeyOf(target),
      found: cls && {
        generation: cls.metadata.generation ?? 0,
        access: cls.spec.access,
        ready: getCondition(cls.status?.conditions, "Ready"),
      },
    },
  );
  if (verdict.status === "True") return [ok("its GitHubApp and its class are there, admit it and are Ready")];
  const advice = verdict.reason.endsWith("NotFound")
    ? "make it, or correct the name in the RunnerTarget"
    : verdict.reason.endsWith("Denied")
      ? "change spec.access there, or use another one"
      : "mend it first; its own lines say what is wrong";
  return [verdict.status === "False" ? fail(verdict.message, advice) : warn(verdict.message, advice)];
}

/** Labels of GitHub's own machines; source: GitHub docs, "GitHub-hosted runners reference". Larger ones are named by their owners. */
const hostedLabel = /^(ubuntu|windows|macos)-(latest|slim|\d+(\.\d+)?)(-(arm|arm64|large|xlarge|intel|vs\d+))?$/i;

/** labelOutcomes judge the labels of a target by themselves. */
export function labelOutcomes(labels: readonly string[]): readonly Outcome[] {
  const found: Outcome[] = [];
  const hosted = labels.filter((label) => hostedLabel.test(label));
  if (hosted.length > 0) {
    found.push(
      warn(
        `${hosted.join(", ")} ${hosted.length === 1 ? "is a label" : "are labels"} of GitHub's own machines: jobs that ask for those get runners here`,
        "choose labels of your own, unless that is meant",
      ),
    );
  }
  if (!labels.some((label) => label.toLowerCase() === "self-hosted")) {
    found.push(
      warn(
        "self-hosted is not among its labels, and a job that asks for it, as most do, is not served",
        "add self-hosted to spec.labels, unless no workflow names it",
      ),
    );
  }
  return orOk(found, labels.join(", "));
}

/**
 * precedenceOutcomes ask who would take a job that asks for all of a target's labels: when that is not the target itself, another one
 * has the same labels or more, and comes before it.
 */
export function precedenceOutcomes(
  target: RunnerTarget,
  targets: readonly RunnerTarget[],
  apps: readonly GitHubApp[],
): readonly Outcome[] {
  const repository = exampleRepository(target);
  const own = keyText(keyOf(target));
  const visibility = target.spec.repositories.allowPublic ? "public" : "private";
  const verdicts = verdictsOf({ labels: target.spec.labels, repository, visibility }, sameHost(target, apps), targets);
  const mine = verdicts.find((verdict) => keyText(keyOf(verdict.target)) === own);
  if (mine?.verdict === "Outranked") {
    const first = verdicts.find(({ verdict }) => verdict === "Takes")?.target;
    const name = first === undefined ? "another one" : `RunnerTarget ${keyText(keyOf(first))}`;
    const why = mine.why.split(": ").at(-1) ?? "";
    return [
      warn(`its jobs go to ${name}: it has the same labels, and ${why}`, "give one of the two other labels, or another priority"),
    ];
  }
  const twins = verdicts.filter(({ verdict, target: other }) => verdict === "Outranked" && sameLabels(other, target));
  if (mine?.verdict !== "Takes" || twins.length === 0) return [ok("no other target takes its jobs")];
  return [
    ok(
      `it comes before ${twins.map(({ target: other }) => keyText(keyOf(other))).join(", ")}, which ${twins.length === 1 ? "has" : "have"} the same labels`,
    ),
  ];
}

function sameHost(target: RunnerTarget, apps: readonly GitHubApp[]): readonly GitHubApp[] {
  const own = find(apps, appKeyOf(target));
  return own === undefined ? [] : apps.filter(({ spec }) => spec.url === own.spec.url);
}

function sameLabels(a: DeepReadonly<RunnerTarget>, b: DeepReadonly<RunnerTarget>): boolean {
  const text = ({ spec }: DeepReadonly<RunnerTarget>): string =>
    spec.labels
      .map((label) => label.toLowerCase())
      .toSorted()
      .join(",");
  return text(a) === text(b);
}

/** A repository that the target may serve, for a question about it. */
function exampleRepository({ spec }: RunnerTarget): string {
  const { organization, repository } = spec.scope;
  if (repository !== undefined) return repository;
  const glob = spec.repositories.include?.find((each) =>
    globMatches(each.split("/")[0] === "*" ? "*/*" : `${each.split("/")[0]}/*`, `${organization}/x`),
  );
  return glob === undefined
    ? `${organization}/example`
    : `${organization}/${(glob.split("/")[1] ?? "*").replaceAll("*", "example")}`;
}

/** GitHub ends jobs on self-hosted runners after five days; source: GitHub docs, "Actions limits". */
const longestJobMs = 5 * 86_400_000;

/** limitOutcomes judge how much a target may do. */
export function limitOutcomes({ spec }: RunnerTarget): readonly Outcome[] {
  const found: Outcome[] = [];
  if (spec.paused) found.push(warn("it is paused: jobs are recorded and wait", "set spec.paused to false to go on"));
  if (spec.maxRunners === 0) found.push(warn("maxRunners is 0: no runner is ever started", "raise spec.maxRunners"));
  if (parseDurationMs(spec.timeouts.job) > longestJobMs) {
    found.push(
      warn(`timeouts.job is ${spec.timeouts.job}, and GitHub ends every job after 5 days`, "set spec.timeouts.job to 5d or less"),
    );
  }
  return orOk(found, `at most ${spec.maxRunners} runners, jobs of at most ${spec.timeouts.job}`);
}

/** repositoryOutcomes judge which repositories of its scope a target serves. */
export function repositoryOutcomes({ spec }: RunnerTarget): readonly Outcome[] {
  const found: Outcome[] = [];
  const owner = spec.scope.organization ?? spec.scope.repository?.split("/")[0] ?? "";
  const { include = [], exclude, allowPublic } = spec.repositories;
  if (allowPublic) {
    found.push(
      warn(
        "public repositories are served: everybody who can open a pull request there can run code on these runners",
        "set spec.repositories.allowPublic to false, or keep every secret and role away from these runners",
      ),
    );
  }
  const strange = [...include, ...exclude].filter((glob) => !globMatches(`${glob.split("/")[0]}/x`, `${owner}/x`));
  if (strange.length > 0)
    found.push(
      warn(`${strange.join(", ")} can match no repository of its scope (${owner})`, "correct spec.repositories, or the scope"),
    );
  return orOk(found, include.length === 0 ? "all repositories of its scope, but no public ones" : include.join(", "));
}
