import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import { createGitHub, type GitHubClient } from "../../github/client.ts";
import { isGitHubError } from "../../github/errors.ts";
import { GitHubMetrics } from "../../github/metrics.ts";
import { privateKeyProblem } from "../../github/private-key.ts";
import type { AppInfo, RateLimit } from "../../github/types.ts";
import { isApiError } from "../../kube/api-error.ts";
import { Client } from "../../kube/client.ts";
import { type Secret, secrets } from "../../kube/resource.ts";
import { silentLogger } from "../../telemetry/log.ts";
import { Registry } from "../../telemetry/metrics.ts";
import { formatDuration } from "../../util/duration.ts";
import { version } from "../version.ts";
import { secretRights } from "./access.ts";
import { type AppSubject, githubOf } from "./app-subject.ts";
import { type Check, fail, ok, orOk, type Outcome, skip, warn, worst } from "./check.ts";
import { rightOutcomes } from "./operator.ts";
import { readinessOutcomes } from "./readiness.ts";
import { webhookChecks } from "./webhook.ts";

type Run = Check<AppSubject>["run"];

/** once has a check of a subject made once, whoever asks first. */
function once(name: string, run: Run): Check<AppSubject> {
  return {
    name,
    run: (subject, signal) => {
      let made = subject.made.get(name);
      if (made === undefined) {
        made = (async () => run(subject, signal))();
        subject.made.set(name, made);
      }
      return made;
    },
  };
}

const untilSignedIn: readonly Check<AppSubject>[] = [
  once("secrets", secretOutcomes),
  { ...once("key", keyOutcomes), needs: ["secrets"] },
  { ...once("sign-in", signInOutcomes), needs: ["key"] },
];

/** signIn is the client of an App that could sign in; undefined where it could not, which the App's own lines explain. */
export async function signIn(subject: AppSubject, signal: AbortSignal): Promise<GitHubClient | undefined> {
  try {
    for (const { run } of untilSignedIn) if (worst(await run(subject, signal)) !== "OK") return undefined;
    return subject.github;
  } catch (error) {
    if (isApiError(error) || isGitHubError(error)) return undefined;
    throw error;
  }
}

/** appChecks are about a GitHubApp, from its Secrets to what GitHub says about it. */
export const appChecks: readonly Check<AppSubject>[] = [
  { name: "readiness", run: ({ app }) => readinessOutcomes(app.status?.conditions, app.metadata.generation) },
  { name: "secret rights", run: secretRightOutcomes },
  ...untilSignedIn,
  { name: "clock", needs: ["sign-in"], run: clockOutcomes },
  { name: "permissions", needs: ["sign-in"], run: ({ info, app }) => permissionOutcomes(info, app) },
  { name: "installations", needs: ["sign-in"], run: installationOutcomes },
  ...webhookChecks,
  { name: "rate limit", needs: ["installations"], run: rateLimitOutcomes },
];

async function secretRightOutcomes({ app, context }: AppSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const names = [...new Set(secretRefs(app).map(({ name }) => name))];
  const advice = "name the Secret and its namespace in the chart's values secrets.names and secrets.namespaces";
  return rightOutcomes(context, names.flatMap(secretRights), advice, signal, app.metadata.namespace);
}

async function secretOutcomes(subject: AppSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const { app, context } = subject;
  const namespace = app.metadata.namespace ?? "";
  const client = new Client(context.cluster, secrets);
  const names = [...new Set(secretRefs(app).map(({ name }) => name))];
  let found: Map<string, Secret | undefined>;
  try {
    // A list by name needs no more than the operator has: it may not get Secrets.
    const lists = await Promise.all(
      names.map((name) => client.list({ namespace, fieldSelector: `metadata.name=${name}`, signal })),
    );
    found = new Map(names.map((name, index) => [name, lists[index]?.items[0]]));
  } catch (error) {
    if (!isApiError(error, "Forbidden")) throw error;
    return [skip("you may not read its Secrets, so GitHub cannot be asked", `run doctor in the pod: ${context.inPod}`)];
  }
  const valueOf = ({ name, key }: SecretRef): string =>
    Buffer.from(found.get(name)?.data?.[key] ?? "", "base64")
      .toString("utf8")
      .trim();
  const missing = names.filter((name) => found.get(name) === undefined);
  const outcomes = [
    ...missing.map((name) => {
      const keys = secretRefs(app).filter((ref) => ref.name === name);
      return fail(
        `Secret ${namespace}/${name} does not exist`,
        `create it with the keys ${keys.map(({ key }) => key).join(", ")}`,
      );
    }),
    ...secretRefs(app)
      .filter((ref) => !missing.includes(ref.name) && valueOf(ref) === "")
      .map(({ name, key }) =>
        fail(`Secret ${namespace}/${name} has no key ${key}, or it is empty`, "put it there, or correct the GitHubApp"),
      ),
  ];
  subject.privateKey = valueOf(app.spec.privateKeySecretRef);
  if (app.spec.caBundleRef !== undefined) subject.caBundle = valueOf(app.spec.caBundleRef);
  return orOk(outcomes, `${secretRefs(app).length} keys of Secrets are there`);
}

function keyOutcomes({ app, privateKey = "" }: AppSubject): readonly Outcome[] {
  const problem = privateKeyProblem(privateKey);
  const { name, key } = app.spec.privateKeySecretRef;
  if (problem === undefined) return [ok(`${key} in Secret ${name} is an RSA key`)];
  const [what = "", ...advice] = problem.split("; ");
  return [fail(`${key} in Secret ${name}: ${what}`, advice.join("; ") || "store the .pem file that GitHub handed out")];
}

async function signInOutcomes(subject: AppSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const { app, context, privateKey = "", caBundle } = subject;
  try {
    const github = createGitHub({
      webUrl: app.spec.url,
      apiUrl: app.spec.apiUrl,
      appId: app.spec.appId,
      privateKey,
      caBundle,
      clock: context.clock,
      log: silentLogger(),
      metrics: new GitHubMetrics(new Registry()),
      userAgent: `getabako-doctor/${version}`,
    });
    subject.github = github;
    subject.info = await github.getApp(signal);
    return [ok(`signed in at ${app.spec.url} as ${subject.info.slug}`)];
  } catch (error) {
    if (!isGitHubError(error) || error.code === "Unavailable" || error.code === "RateLimited") throw error;
    const [what = "", ...advice] = error.message.split("; ");
    return [fail(what, advice.join("; ") || "correct url, apiUrl, appId or the CA bundle of the GitHubApp")];
  }
}

/** GitHub refuses a JWT whose time is off by more than a minute; the operator learns the difference, and everything else suffers from it. */
const tolerableSkewMs = 30_000;

async function clockOutcomes(subject: AppSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const github = githubOf(subject);
  const { clock } = subject.context;
  const startedAt = clock.now();
  const { answeredAt } = await github.listDeliveries({}, signal);
  if (answeredAt === undefined) return [skip("GitHub's answers carry no date")];
  const skewMs = Date.parse(answeredAt) - (startedAt + clock.now()) / 2;
  // The date has whole seconds.
  if (Math.abs(skewMs) < tolerableSkewMs) return [ok("this machine's clock and GitHub's agree")];
  const words = `${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? "behind" : "ahead of"}`;
  return [warn(`this machine's clock is ${words} GitHub's`, "correct the clock (NTP), on the nodes of the operator too")];
}

/** Source: GitHub docs, "Permissions required for GitHub Apps". */
const runnersOfOrganization = "organization_self_hosted_runners";
const runnersOfRepository = "administration";

function permissionOutcomes(info: AppInfo | undefined, app: GitHubApp): readonly Outcome[] {
  const { permissions = {}, events = [], slug = "" } = info ?? {};
  const settings = `in the settings of GitHub App ${slug}, then let every owner accept it`;
  const found: Outcome[] = [];
  if (permissions["actions"] === undefined)
    found.push(fail("the App may not read Actions", `add "Repository permissions > Actions: Read-only" ${settings}`));
  if (permissions[runnersOfOrganization] !== "write" && permissions[runnersOfRepository] !== "write") {
    found.push(
      fail(
        "the App may not register runners",
        `add "Organization permissions > Self-hosted runners: Read and write" (or for single repositories "Repository permissions > Administration: Read and write") ${settings}`,
      ),
    );
  }
  if (!events.includes("workflow_job"))
    found.push(
      fail("the App is not told of jobs", `subscribe to the event "Workflow job" in the settings of GitHub App ${slug}`),
    );
  return orOk(found, `GitHubApp ${app.metadata.name} has the permissions and the event that it needs`);
}

async function installationOutcomes(subject: AppSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const installations = await githubOf(subject).listInstallations(signal);
  subject.installations = installations;
  const slug = subject.info?.slug ?? "";
  if (installations.length === 0)
    return [fail("the App is installed nowhere", `install GitHub App ${slug} in the organizations whose jobs are to be served`)];
  const found = installations.flatMap(({ account, suspended, permissions }): Outcome[] => {
    if (suspended)
      return [
        fail(`the installation in ${account} is suspended`, `unsuspend it in the settings of ${account}, under GitHub Apps`),
      ];
    if (permissions[runnersOfOrganization] !== "write" && permissions[runnersOfRepository] !== "write")
      return [
        fail(
          `the installation in ${account} may not register runners`,
          `let the owner of ${account} accept the App's new permissions`,
        ),
      ];
    return [];
  });
  return orOk(
    found,
    `installed in ${installations
      .map(({ account }) => account)
      .slice(0, 5)
      .join(", ")}`,
  );
}

/** rateLimitOutcomes judge what doctor's own calls and the operator's have shown; both draw from the same budget. */
async function rateLimitOutcomes(subject: AppSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const { app, context, installations = [] } = subject;
  const github = githubOf(subject);
  const target = context.objects.targets.items.find(
    ({ metadata, spec }) =>
      spec.githubAppRef.name === app.metadata.name &&
      (spec.githubAppRef.namespace ?? metadata.namespace) === app.metadata.namespace,
  );
  const { organization, repository } = target?.spec.scope ?? {};
  const covered = installations.some(
    ({ account, suspended }) => !suspended && account === (organization ?? repository?.split("/")[0]),
  );
  // Any call will do: its headers tell what is left to the installation.
  if (covered && organization !== undefined) await github.listRunnerGroups(organization, signal).catch(passOverRefusals);
  else if (covered && repository !== undefined) await github.findRunner({ repository }, "doctor", signal).catch(passOverRefusals);
  const seen: Readonly<Record<string, RateLimit>> = {
    ...running(app.status?.rateLimit, context.clock.now()),
    ...github.rateLimits(),
  };
  const found = Object.entries(seen).flatMap(([bucket, { limit, remaining, resetAt }]): Outcome[] => {
    const advice = `wait until ${resetAt}; where that happens often, use one App for fewer repositories`;
    if (remaining === 0) return [fail(`nothing is left of the limit ${bucket} of ${limit} calls`, advice)];
    if (remaining < limit * 0.1) return [warn(`${remaining} of ${limit} calls are left of the limit ${bucket}`, advice)];
    return [];
  });
  const core = seen["core"];
  return orOk(found, core === undefined ? "GitHub shows no limits" : `${core.remaining} of ${core.limit} calls are left`);
}

/** A refused call has shown the limit as well; other checks say what it is refused for. */
function passOverRefusals(error: unknown): void {
  if (!isGitHubError(error) || error.code === "Unavailable") throw error;
}

function running(limits: Readonly<Record<string, RateLimit>> | undefined, nowMs: number): Record<string, RateLimit> {
  return Object.fromEntries(Object.entries(limits ?? {}).filter(([, { resetAt }]) => Date.parse(resetAt) > nowMs));
}

type SecretRef = GitHubApp["spec"]["privateKeySecretRef"];

function secretRefs({ spec }: GitHubApp): readonly SecretRef[] {
  return [spec.privateKeySecretRef, ...spec.webhookSecretRefs, ...(spec.caBundleRef === undefined ? [] : [spec.caBundleRef])];
}
