import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ECSRunnerClass } from "../src/api/v1alpha1/ecs-runner-class.ts";
import type { RunnerRequest } from "../src/api/v1alpha1/runner-request.ts";
import { getCondition } from "../src/kube/conditions.ts";
import { type ContainerEcs, startContainerEcs } from "../test/e2e/container-ecs.ts";
import { buildOperator } from "../test/support/built-operator.ts";
import type { Job } from "../test/sim/github/state/model.ts";
import { secrecy, wasRegistered } from "./facts.ts";
import { type Ground, type GroundOptions, setGround } from "./ground.ts";
import { plainJob, type PlannedJob, rejectedJob, shapedJobs } from "./plan.ts";
import { countBy, progressLines } from "./progress.ts";
import { type RunTaskTap, startRunTaskTap } from "./run-task-tap.ts";
import { readSamples, regionOf } from "./samples.ts";
import type { Screen } from "./screen.ts";
import { isAsChosen, readShapes, rejectedRow, shapesTable } from "./shapes.ts";
import { until, WaitedInVain } from "./until.ts";
import { type Row, same } from "./verdict.ts";

const jobMs = 3_000;
/** A container starts in a second or two; all else is the operator's own pace. */
const deadlineMs = 180_000;

/** ContainerStage is a ground whose ECS runs real containers. */
export interface ContainerStage extends Ground {
  readonly containers: ContainerEcs;
  readonly tap: RunTaskTap;
}

/**
 * setContainerStage sets the ground with ministack, podman and the built operator.
 * @throws Impossible where this machine can run no containers in namespaces of its own.
 */
export async function setContainerStage({ say, signal }: Pick<GroundOptions, "say" | "signal">): Promise<ContainerStage> {
  await using building = new AsyncDisposableStack();
  const samples = readSamples();
  const containers = building.use(await startContainerEcs({ report: say, region: regionOf(samples), signal }));
  const tap = building.use(await startRunTaskTap(containers.url));
  const [image, other] = containers.images;
  const ground = building.use(
    await setGround({
      say,
      signal,
      samples,
      githubHost: containers.address,
      // Beside the packages: the program is whole without them, and is so what the image holds.
      entry: (directory) => buildOperator(join(directory, "program")),
      ecs: ({ github }) => {
        say(`simulated GitHub at ${github.url}`);
        return Promise.resolve({
          endpoint: tap.url,
          containers: {
            image: image.name,
            otherImage: other.name,
            command: image.command,
            environment: [{ name: "MINI_RUNNER_RETRY_MS", value: "200" }],
          },
        });
      },
    }),
  );
  const all = building.move();
  return { ...ground, containers, tap, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** playContainers queues the jobs, waits for their end, and gives the rows of the final table. */
export async function playContainers(stage: ContainerStage, screen: Screen, keep: boolean, signal: AbortSignal): Promise<Row[]> {
  const { github } = stage;
  const queue = (job: PlannedJob): Job => {
    const { name, workflowName, repository, labels, durationMs, outcome } = job;
    return github.queueJob({ name, workflowName, repository, labels, durationMs, outcome });
  };
  const shaped = shapedJobs(jobMs).map((planned) => ({ planned, job: queue(planned) }));
  const rejected = { planned: rejectedJob(), job: queue(rejectedJob()) };
  const plain = plainJobs().map(queue);
  const served = [...shaped.map(({ job }) => job), ...plain];
  screen.say(
    `\n== ${served.length + 1} jobs: ${shaped.length} choose their runner by label, 1 chooses more than it may, ${plain.length} choose nothing`,
  );
  const trouble = await untilOver(stage, served, screen, signal);
  if (trouble !== undefined) screen.say(`\n${trouble}`);

  screen.say("\n== kubectl get runnerrequests -o wide");
  screen.say((await stage.kubectl(["get", "runnerrequests", "-n", stage.namespace, "-o", "wide"])).trimEnd());
  const exitCode = keep ? undefined : await stage.operator.stop();
  return await rows(stage, { served, shaped, rejected, trouble, exitCode }, screen);
}

/** writeContainerEvidence keeps what the other sides saw beside the logs. */
export async function writeContainerEvidence({ directory, github, containers, kubectl }: ContainerStage): Promise<void> {
  const save = async (name: string, text: () => string | Promise<string>): Promise<void> =>
    writeFile(join(directory, name), await text());
  await Promise.allSettled([
    save("objects.yaml", () => kubectl(["get", "getabako,events", "-A", "-o", "yaml"])),
    save("containers.txt", () => containers.engine.containers()),
    save("ministack.log", () => readFile(containers.emulatorLog, "utf8")),
    save("tasks.json", async () => JSON.stringify((await containers.ecs.tasks()).map(withoutEnvironment), undefined, 2)),
    save("github.json", () => JSON.stringify({ report: github.report(), violations: github.violations }, undefined, 2)),
  ]);
}

/** Of the classes fargate and fargate-large, in two repositories. */
function plainJobs(): PlannedJob[] {
  const plain = (name: string, repository: string, label: string): PlannedJob =>
    plainJob(name, { repository, labels: ["self-hosted", label], durationMs: jobMs });
  return [
    plain("test (1)", "acme/web", "fargate"),
    plain("test (2)", "acme/web", "fargate"),
    plain("test (3)", "acme/web", "fargate"),
    plain("test (1)", "acme/api", "fargate"),
    plain("test (2)", "acme/api", "fargate"),
    plain("build image", "acme/web", "fargate-large"),
    plain("load test", "acme/api", "fargate-large"),
  ];
}

/** Waits until nothing happens any more, and shows how far it is. What does not come is returned in words. */
async function untilOver(
  stage: ContainerStage,
  served: readonly Job[],
  screen: Screen,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { github, requests, containers } = stage;
  const startedAt = Date.now();
  const isOver = async (): Promise<boolean> => {
    const live = await containers.ecs.live();
    const snapshot = {
      seconds: (Date.now() - startedAt) / 1_000,
      planned: served.length,
      jobs: github.report().jobs,
      phases: countBy(requests.store.list(), ({ status }) => status?.phase ?? "Pending"),
      tasks: countBy(live, ({ capacityProviderName }) => capacityProviderName ?? "none"),
    };
    screen.status(progressLines(snapshot));
    if (served.some(({ status }) => status !== "completed") || live.length > 0) return false;
    const all = [...requests.store.list()];
    return all.length > served.length && all.every(({ metadata }) => metadata.finalizers === undefined);
  };
  const stuck = (): string =>
    [...requests.store.list()]
      .filter(({ metadata }) => metadata.finalizers !== undefined)
      .map(({ metadata, status }) => {
        const launched = getCondition(status?.conditions, "Launched");
        return `${metadata.name} is ${status?.phase ?? "new"} (${launched?.reason ?? ""}: ${launched?.message ?? ""})`;
      })
      .join("; ");
  try {
    await until({ what: "all jobs and requests to end", timeoutMs: deadlineMs, signal, everyMs: 500, detail: stuck }, isOver);
    await github.webhooks.settled();
    return undefined;
  } catch (error) {
    if (error instanceof WaitedInVain) return error.message;
    throw error;
  } finally {
    screen.settle();
  }
}

interface Played {
  readonly served: readonly Job[];
  readonly shaped: Parameters<typeof readShapes>[1];
  readonly rejected: Parameters<typeof rejectedRow>[1];
  readonly trouble: string | undefined;
  readonly exitCode: number | undefined;
}

async function rows(stage: ContainerStage, played: Played, screen: Screen): Promise<Row[]> {
  const { github, containers, namespace } = stage;
  const { served, shaped, rejected, trouble, exitCode } = played;
  const read = async <T>(kind: string): Promise<readonly T[]> =>
    (JSON.parse(await stage.kubectl(["get", kind, "-n", namespace, "-o", "json"])) as { items: T[] }).items;
  const requests = await read<RunnerRequest>("runnerrequests");
  const [cls] = (await read<ECSRunnerClass>("ecsrunnerclasses")).filter(({ metadata }) => metadata.name === "fargate");
  if (cls === undefined) throw new Error("the class fargate of config/samples is gone");
  const sources = {
    ecs: containers.ecs,
    cluster: cls.spec.cluster,
    cls: cls.spec,
    requests,
    securityGroupsOf: (arn: string) => stage.tap.securityGroups.get(arn),
  };
  const facts = await readShapes(sources, shaped);
  screen.say("\n== Jobs that chose their runner by label, and what ECS has, read back from its API");
  for (const line of shapesTable(facts)) screen.say(line);
  screen.say("\n== Expected and seen");

  const uids = new Set(requests.map(({ metadata }) => metadata.uid));
  const tasks = (await containers.ecs.tasks()).filter(({ startedBy }) => uids.has(startedBy ?? ""));
  const report = github.report();
  const rejections = await rejectedRow(sources, rejected, (prefix) => wasRegistered(github, prefix));
  const log = await readFile(join(stage.directory, "operator.log"), "utf8");
  const { leaks, searched } = await secrecy(stage, log);
  return [
    {
      what: "everything came to its end",
      expected: "yes",
      seen: trouble === undefined ? "yes" : "no",
      ok: trouble === undefined,
    },
    same("jobs that succeeded", served.length, served.filter(({ conclusion }) => conclusion === "success").length),
    same("jobs that chose their runner, and have it at ECS", shaped.length, facts.filter(isAsChosen).length),
    rejections,
    same(
      "containers that ran a job and ended with exit code 0",
      served.length,
      tasks.filter((task) => task.containers?.[0]?.exitCode === 0).length,
    ),
    same("tasks, one for each job that is served", served.length, tasks.length),
    same("RunnerRequests, one for each job", served.length + 1, requests.length),
    same(
      "jobs lost or run twice",
      0,
      report.lost.length + report.interrupted.length + report.ranTwice.length + report.reused.length,
    ),
    same("tasks left behind at ECS", 0, tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED").length),
    same("registrations left behind at GitHub", 0, github.registrations().length),
    same(
      "requests still held by their finalizer",
      0,
      requests.filter(({ metadata }) => metadata.finalizers !== undefined).length,
    ),
    same("calls that GitHub would refuse as wrong", 0, github.violations.length),
    {
      ...same("secrets in logs, objects and events", 0, leaks.length),
      note: `${searched.secrets} secrets looked for in ${(searched.characters / 1e6).toFixed(1)} million characters`,
    },
    same("errors in the operator's log", 0, log.split("\n").filter((line) => /"level":"(error|fatal)"/.test(line)).length),
    ...(exitCode === undefined ? [] : [same("exit code of the operator after SIGTERM", 0, exitCode)]),
  ];
}

/** The environment holds runners' configurations. */
function withoutEnvironment<T extends { readonly overrides?: unknown }>({
  overrides: _overrides,
  ...task
}: T): Omit<T, "overrides"> {
  return task;
}
