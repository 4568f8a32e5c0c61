import type { ECSRunnerClass } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { Overrides } from "../../api/v1alpha1/overrides.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { classKeyOf } from "../../controllers/runner-request/world.ts";
import { hostOf, type JobDemand, matchTarget, type TargetVerdict, verdictsOf } from "../../intake/matching.ts";
import { getCondition } from "../../kube/conditions.ts";
import { keyOf, keyText } from "../../kube/object.ts";
import type { ParsedLabels } from "../../overrides/parse.ts";
import { isFargate } from "../../provider/ecs/rung.ts";
import { type Shape, shapeRunner } from "../../provider/ecs/shape.ts";

/** Freely given with every Fargate task; source: the Amazon ECS developer guide, "Fargate task ephemeral storage". */
const freeDiskGiB = 20;

/** Size is an amount of compute: vCPUs and GiB. The disk is absent where the capacity is not Fargate's. */
export interface Size {
  readonly cpu: number;
  readonly memoryGiB: number;
  readonly diskGiB?: number;
}

/** RungAnswer is one rung that the runner may come from, in order. */
export interface RungAnswer {
  readonly name: string;
  readonly providers: readonly string[];
  /** Why it is passed over for now, and until when. */
  readonly passedOver?: { readonly until: string; readonly message: string };
}

/** RunnerAnswer is the runner that a job would get. */
export interface RunnerAnswer {
  readonly class: string;
  readonly region: string;
  readonly cluster: string;
  readonly labels: readonly string[];
  /** What the job's override labels come to. */
  readonly overrides: Overrides;
  readonly image: string;
  readonly securityGroups?: readonly string[];
  readonly size: Size;
  readonly rungs: readonly RungAnswer[];
  /** When all runners of the target were of this size. */
  readonly atMost: Size & { readonly runners: number };
}

/** JobAnswer is what `explain --repo --labels` answers. */
export interface JobAnswer {
  readonly repository: string;
  readonly labels: readonly string[];
  readonly visibility: string;
  /** Served: it gets a runner. Rejected: a target covers it and does not allow what it asks for. NotServed: none covers it. */
  readonly verdict: "Served" | "Rejected" | "NotServed";
  /** Why not, for all but Served. */
  readonly reason?: string;
  readonly target?: string;
  /** Why a job that is served would wait all the same. */
  readonly waits?: readonly string[];
  readonly runner?: RunnerAnswer;
  /** The target that came closest, where none serves the job. */
  readonly closest?: { readonly target: string; readonly why: string };
  readonly targets: readonly { readonly target: string; readonly verdict: TargetVerdict["verdict"]; readonly why: string }[];
}

/** Known are the objects that an answer is made from. */
export interface Known {
  readonly apps: readonly GitHubApp[];
  readonly classes: readonly ECSRunnerClass[];
  readonly targets: readonly RunnerTarget[];
}

/** answerJob says which target would serve a job and with what; with several GitHubs, the job is one of `host`. */
export function answerJob(job: JobDemand, host: string | undefined, known: Known, nowMs: number): JobAnswer {
  const wanted = host ?? (known.apps.some((app) => hostOf(app) === "github.com") ? "github.com" : undefined);
  const apps = known.apps.filter((app) => wanted === undefined || hostOf(app) === wanted);
  const match = matchTarget(job, apps, known.targets);
  const verdicts = verdictsOf(job, apps, known.targets);
  const base = { repository: job.repository, labels: job.labels, visibility: job.visibility, targets: verdicts.map(shown) };
  if (match.target === undefined) {
    const [first] = verdicts;
    return {
      ...base,
      verdict: "NotServed",
      reason: apps.length === 0 ? noApps(wanted) : match.reason,
      ...(first !== undefined && { closest: { target: nameOf(first.target), why: first.why } }),
    };
  }
  const found = known.targets.find((target) => nameOf(target) === nameOf(match.target));
  const target = nameOf(match.target);
  if (match.rejected !== undefined || found === undefined)
    return { ...base, verdict: "Rejected", target, reason: match.rejected ?? "it is not there any more" };
  const cls = known.classes.find((each) => nameOf(each) === keyText(classKeyOf(found)));
  if (cls === undefined) {
    const waits = [`its class ${keyText(classKeyOf(found))} does not exist, or you may not read it`, ...waitsOf(found)];
    return { ...base, verdict: "Served", target, waits };
  }
  const shaping = shapeRunner(cls.spec, match.asked.overrides, found.spec.overrides);
  if (!shaping.ok) return { ...base, verdict: "Rejected", target, reason: shaping.problems.join("; ") };
  const runner = runnerOf(found, cls, match.asked, shaping, nowMs);
  const waits = waitsOf(found);
  return { ...base, verdict: "Served", target, ...(waits.length > 0 && { waits }), runner };
}

function runnerOf(
  { spec }: RunnerTarget,
  cls: ECSRunnerClass,
  asked: ParsedLabels,
  { shape, overrides }: { readonly shape: Shape; readonly overrides: Overrides },
  nowMs: number,
): RunnerAnswer {
  const size = sizeOf(shape);
  const runners = spec.maxRunners;
  const open = (cls.status?.circuit ?? []).filter(({ state, until }) => state === "Open" && Date.parse(until) > nowMs);
  return {
    class: nameOf(cls),
    region: cls.spec.region,
    cluster: cls.spec.cluster,
    labels: [...spec.labels, ...asked.labels],
    overrides,
    image: shape.image ?? `that of task definition ${cls.spec.taskDefinition}`,
    ...(shape.securityGroups !== undefined && { securityGroups: shape.securityGroups }),
    size,
    rungs: shape.rungs.map(({ name, providers }) => {
      const circuit = open.find(({ capacity }) => capacity === name);
      return {
        name,
        providers: providers.map((provider) => provider.name),
        ...(circuit !== undefined && { passedOver: { until: circuit.until, message: circuit.message } }),
      };
    }),
    atMost: {
      runners,
      cpu: size.cpu * runners,
      memoryGiB: size.memoryGiB * runners,
      ...(size.diskGiB !== undefined && { diskGiB: size.diskGiB * runners }),
    },
  };
}

function sizeOf({ cpu, memoryMiB, diskGiB, rungs }: Shape): Size {
  const disk = diskGiB ?? (rungs.some(isFargate) ? freeDiskGiB : undefined);
  return { cpu, memoryGiB: memoryMiB / 1024, ...(disk !== undefined && { diskGiB: disk }) };
}

/** Why a job of a target would wait now, although the target serves it. */
function waitsOf({ spec, status, metadata }: RunnerTarget): string[] {
  const waits: string[] = [];
  if (spec.paused) waits.push("the target is paused");
  if (spec.maxRunners === 0) waits.push("its maxRunners is 0");
  const ready = getCondition(status?.conditions, "Ready");
  if (ready === undefined || ready.observedGeneration !== metadata.generation)
    waits.push("the operator has not looked at the target's newest spec yet");
  else if (ready.status !== "True") waits.push(`the target is not Ready, ${ready.reason}: ${ready.message}`);
  const { starting = 0, idle = 0, running = 0, queued = 0 } = status ?? {};
  const runners = starting + idle + running;
  if (spec.maxRunners > 0 && runners >= spec.maxRunners)
    waits.push(`all of its ${spec.maxRunners} runners are there already, and ${queued} jobs wait for one`);
  return waits;
}

function noApps(host: string | undefined): string {
  return host === undefined ? "there is no GitHubApp" : `there is no GitHubApp of ${host}`;
}

function shown({ target, verdict, why }: TargetVerdict): JobAnswer["targets"][number] {
  return { target: nameOf(target), verdict, why };
}

function nameOf(object: { readonly metadata: { readonly name: string; readonly namespace?: string } }): string {
  return keyText(keyOf(object));
}
