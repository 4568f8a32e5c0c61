import { type OpenEcsSender, openEcsSender } from "../../provider/ecs/clients.ts";
import { appKeyOf } from "../../controllers/runner-request/world.ts";
import type { Cluster } from "../../kube/cluster.ts";
import { keyOf, keyText } from "../../kube/object.ts";
import { type Clock, systemClock } from "../../util/clock.ts";
import type { Surroundings } from "../commands.ts";
import { CannotRun, connect, readObjects } from "../connect.ts";
import { version } from "../version.ts";
import { appChecks } from "./app.ts";
import type { AppSubject } from "./app-subject.ts";
import { type Check, type Finding, skip, worst } from "./check.ts";
import type { Context } from "./context.ts";
import { crdFacts } from "./crd-facts.ts";
import { findOperator } from "./find-operator.ts";
import { crdChecks, kubernetesChecks, readingOutcomes } from "./kubernetes.ts";
import { operatorChecks } from "./operator.ts";
import { type DoctorOptions, isAskedFor, parseDoctorOptions } from "./options.ts";
import { Progress } from "./progress.ts";
import { lineOf, printSummary, type Report, reportOf } from "./report.ts";
import { requestChecks } from "./requests.ts";
import { type Planned, plan, runChecks } from "./run-checks.ts";
import { classChecks } from "./runner-class.ts";
import { targetChecks } from "./target.ts";

/** As many checks run at a time: polite to the API server, and quick for hundreds of targets. */
const atOnce = 8;

/** Parts are what tests put in the place of the machine's clock and of AWS. */
export interface Parts {
  readonly clock?: Clock;
  readonly openSender?: OpenEcsSender;
}

/**
 * doctor is `getabako doctor`: it looks at the whole chain, changes nothing, and prints a line for each check.
 * @returns 0 without FAIL, 1 with one, 2 when it could not begin. @throws OptionsError
 */
export async function doctor(
  args: readonly string[],
  { output, env }: Pick<Surroundings, "output" | "env">,
  parts: Parts = {},
): Promise<number> {
  const options = parseDoctorOptions(args, env);
  const stop = new AbortController();
  const told = (): void => stop.abort(new DOMException("interrupted", "AbortError"));
  process.once("SIGINT", told);
  const progress = new Progress(output);
  let cluster: Cluster | undefined;
  try {
    cluster = connect(options);
    const print = (finding: Finding): void => {
      progress.clear();
      // The API server is asked whatever --only names.
      const isShown = isAskedFor(finding.object, options.only) || finding.verdict === "FAIL";
      if (!options.json && isShown) output.out(lineOf(finding, output.colours));
    };
    const run = (planned: readonly Planned[]): Promise<Finding[]> =>
      runChecks(planned, {
        atOnce,
        timeoutMs: options.timeoutMs,
        signal: stop.signal,
        onFinding: print,
        onProgress: (done, of, running) => progress.tell(done, of, running),
      });
    const findings = await examine(cluster, options, { ...parts, env, signal: stop.signal }, run);
    progress.clear();
    const report: Report = reportOf(version, cluster.server, findings);
    printSummary(report, output, options.json);
    if (findings.length === 0 && options.only.length > 0) {
      output.err(`[getabako] there is nothing that --only ${options.only.join(",")} names\n`);
      return 2;
    }
    return stop.signal.aborted ? 2 : worst(findings) === "FAIL" ? 1 : 0;
  } catch (error) {
    if (stop.signal.aborted) return 2;
    if (!(error instanceof CannotRun)) throw error;
    output.err(`[getabako] ${error.message}\n`);
    return 2;
  } finally {
    process.off("SIGINT", told);
    progress.clear();
    await cluster?.close();
  }
}

type Surrounding = Parts & {
  readonly env: Surroundings["env"];
  readonly signal: AbortSignal;
};

async function examine(
  cluster: Cluster,
  options: DoctorOptions,
  { env, signal, clock = systemClock, openSender = (connection) => openEcsSender(connection) }: Surrounding,
  run: (planned: readonly Planned[]) => Promise<Finding[]>,
): Promise<readonly Finding[]> {
  // Without an API server there is nothing else to look at, whatever --only asks for.
  const reached = await run(plan("kubernetes", kubernetesChecks, cluster));
  if (worst(reached) === "FAIL") return reached;
  const crds = Object.keys(crdFacts).flatMap((plural) => only(`crd/${plural}`, options, crdChecks, { cluster, plural }));

  const [objects, operator] = await Promise.all([
    readObjects(cluster, options.namespace, signal),
    findOperator(cluster, options, env, signal),
  ]);
  const inPod = `kubectl exec -n ${operator.namespace ?? "NAMESPACE"} deploy/${operator.leaseName} -- getabako doctor`;
  const context: Context = { options, cluster, clock, objects, operator, openSender, inPod };

  const inNamespace = ({ metadata }: { readonly metadata: { readonly namespace?: string } }): boolean =>
    options.namespace === undefined || metadata.namespace === options.namespace;
  const targets = objects.targets.items.filter(inNamespace);
  const apps = objects.apps.items.map((app): AppSubject => ({ app, context, made: new Map() }));
  const named = (kind: string, object: { readonly metadata: { readonly name: string; readonly namespace?: string } }): string =>
    `${kind}/${keyText(keyOf(object))}`;

  const reads = {
    GitHubApps: objects.apps.error,
    ECSRunnerClasses: objects.classes.error,
    RunnerTargets: objects.targets.error,
    RunnerRequests: objects.requests.error,
  };
  const planned = [
    ...only("kubernetes", options, [{ name: "objects", run: () => readingOutcomes(reads) }], undefined),
    ...crds,
    ...only("operator", options, operatorChecks, context),
    ...apps
      .filter(({ app }) => inNamespace(app))
      .flatMap((subject) => only(named("githubapp", subject.app), options, appChecks, subject)),
    ...objects.classes.items
      .filter(inNamespace)
      .flatMap((cls) => only(named("ecsrunnerclass", cls), options, classChecks, { cls, context })),
    ...targets.flatMap((target) =>
      only(named("runnertarget", target), options, targetChecks, {
        target,
        context,
        app: apps.find(({ app }) => keyText(keyOf(app)) === keyText(appKeyOf(target))),
      }),
    ),
    ...requestPlans(context, options),
    ...(options.only.length === 0 ? emptyPlans(objects, targets.length) : []),
  ];
  try {
    return [...(isAskedFor("kubernetes", options.only) ? reached : []), ...(await run(planned))];
  } finally {
    await Promise.all(apps.map(async ({ github }) => github?.close()));
  }
}

function only<Subject>(
  object: string,
  { only: names }: DoctorOptions,
  checks: readonly Check<Subject>[],
  subject: Subject,
): Planned[] {
  return isAskedFor(object, names) ? plan(object, checks, subject) : [];
}

/** Requests are looked at together, and each line names its own: with --only a name, those of the one. */
function requestPlans(context: Context, options: DoctorOptions): Planned[] {
  const names = options.only.filter((each) => each.startsWith("runnerrequest/"));
  if (options.only.length > 0 && names.length === 0 && !options.only.includes("runnerrequest")) return [];
  const all = context.objects.requests.items;
  const isKindAsked = names.length === 0 || options.only.includes("runnerrequest");
  const requests = isKindAsked ? all : all.filter((request) => isAskedFor(`runnerrequest/${keyText(keyOf(request))}`, names));
  if (requests.length === 0 && !isKindAsked) return [];
  return plan("runnerrequest", requestChecks, { requests, nowMs: context.clock.now() });
}

/** What is not there at all, on the first day. */
function emptyPlans(objects: Context["objects"], targets: number): Planned[] {
  const missing = [
    ["githubapp", "GitHubApp", objects.apps.items.length],
    ["ecsrunnerclass", "ECSRunnerClass", objects.classes.items.length],
    ["runnertarget", "RunnerTarget", targets],
  ] as const;
  return missing
    .filter(([, , count]) => count === 0)
    .map(([object, kind]) => ({
      object,
      name: "objects",
      needs: [],
      run: () => [skip(`there is no ${kind}, so no job is served`, "make one: README.md, The first objects")],
    }));
}
