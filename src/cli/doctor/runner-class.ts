import type { ECSRunnerClass, ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { resolveClass } from "../../controllers/runner-class/controller.ts";
import { compareRunnerVersions, oldestRunnerVersion } from "../../github/runner-version.ts";
import { isTrue } from "../../kube/conditions.ts";
import { createEcsProvider } from "../../provider/ecs/provider.ts";
import { type ReadOnlyNotes, readOnlySender } from "../../provider/ecs/read-only.ts";
import type { Finding, ResolvedClass } from "../../provider/types.ts";
import { silentLogger } from "../../telemetry/log.ts";
import { type Check, fail, ok, orOk, type Outcome, skip, warn } from "./check.ts";
import type { Context } from "./context.ts";
import { readinessOutcomes } from "./readiness.ts";

/** ClassSubject is a class to be checked. */
export interface ClassSubject {
  readonly cls: ECSRunnerClass;
  readonly context: Context;
}

/** classChecks are about an ECSRunnerClass and what it names at AWS. */
export const classChecks: readonly Check<ClassSubject>[] = [
  { name: "readiness", run: ({ cls }) => readinessOutcomes(cls.status?.conditions, cls.metadata.generation) },
  { name: "aws", run: awsOutcomes },
  { name: "runner version", run: ({ cls }) => versionOutcomes(cls.spec) },
  { name: "capacity", run: ({ cls, context }) => capacityOutcomes(cls, context.clock.now()) },
];

async function awsOutcomes({ cls, context }: ClassSubject, signal: AbortSignal): Promise<readonly Outcome[]> {
  const { clock, inPod } = context;
  const resolved = readOnlyPart(resolveClass(cls) as ResolvedClass<ECSRunnerClassSpec>);
  const notes: ReadOnlyNotes = { wouldRegister: new Set(), credentialsMissing: false };
  const ecs = createEcsProvider({ clock, log: silentLogger(), openSender: readOnlySender(context.openSender, notes) });
  let findings: readonly Finding[];
  try {
    ({ findings } = await ecs.check(resolved, signal));
  } finally {
    await ecs.close();
  }
  if (notes.credentialsMissing)
    return [skip("there are no AWS credentials here, so ECS cannot be asked", `run doctor in the pod: ${inPod}`)];
  const accepted = isTrue(cls.status?.conditions, "Ready");
  const found = findings.map(({ severity, reason, message }): Outcome => {
    const [what, advice] = split(message);
    if (severity === "Warning") return warn(`${reason}: ${what}`, advice);
    // Whoever runs doctor may have other rights than the operator, whose own were enough.
    if (reason === "Unauthorized" && accepted)
      return warn(
        `${reason}, with the AWS credentials of this process and not with the operator's: ${what}`,
        `run doctor in the pod: ${inPod}`,
      );
    return fail(`${reason}: ${what}`, advice);
  });
  const definition =
    notes.wouldRegister.size === 0 ? "task definition" : "what its task definition is made from (the operator registers it)";
  const asked = orOk(
    found,
    `cluster, capacity providers and ${definition} are in order, asked with the AWS credentials of this process`,
  );
  return [...asked, ...triedByWriting(cls.spec)];
}

/** The class without what can only be tried by writing: a bucket by an object, a queue by taking from it. */
function readOnlyPart(cls: ResolvedClass<ECSRunnerClassSpec>): ResolvedClass<ECSRunnerClassSpec> {
  const { events: _, ...spec } = cls.spec;
  return { ...cls, spec: { ...spec, jitConfigDelivery: { type: "Environment" } } };
}

function triedByWriting({ jitConfigDelivery, events }: ECSRunnerClassSpec): readonly Outcome[] {
  const parts = [
    ...(jitConfigDelivery.s3 === undefined ? [] : [`bucket ${jitConfigDelivery.s3.bucket}`]),
    ...(events === undefined ? [] : [`queue ${events.queueUrl}`]),
  ];
  if (parts.length === 0) return [];
  return [
    skip(
      `${parts.join(" and ")} can only be tried by writing, which doctor does not`,
      "see the class' Ready condition: the operator tries it",
    ),
  ];
}

/** The provider's sentences say what to do after a colon, where they do. */
function split(message: string): [what: string, advice: string] {
  const at = message.lastIndexOf(": ");
  return at < 0 ? [message, "correct the class, or what it names at AWS"] : [message.slice(0, at), message.slice(at + 2)];
}

function versionOutcomes({ image, images, taskDefinition }: ECSRunnerClassSpec): readonly Outcome[] {
  if (image === undefined) return [skip(`the image is that of task definition ${taskDefinition}`, rebuild)];
  return [image, ...images.map((each) => each.image)].flatMap(imageOutcomes);
}

/** Source: GitHub docs, "Self-hosted runners reference": GitHub stops giving jobs to runners without updates after 30 days. */
const rebuild = "see that it is rebuilt within 30 days of each runner release";

/** imageOutcomes judge the runner in an image by the image's tag, where it is one of the official image or named like it. */
export function imageOutcomes(image: string): readonly Outcome[] {
  const tag = /:([^/:@]+)(@.*)?$/.exec(image.replace(/@sha256:.*$/, ""))?.[1] ?? "";
  const found = /(?:^|[^0-9.])v?(2\.\d{3}\.\d{1,3})(?![0-9.])/.exec(tag)?.[1];
  if (found === undefined) {
    return [skip(`the runner's version cannot be told from the tag of ${image}`, rebuild)];
  }
  if (compareRunnerVersions(found, oldestRunnerVersion) >= 0) return [ok(`${image} holds runner ${found}`)];
  return [
    fail(
      `${image} holds runner ${found}, and GitHub takes none older than ${oldestRunnerVersion}`,
      "build the image anew with a current runner",
    ),
  ];
}

const spot = "FARGATE_SPOT";

/** capacityOutcomes judge a class' ladder, and which of its rungs are passed over now. */
export function capacityOutcomes({ spec, status }: ECSRunnerClass, nowMs: number): readonly Outcome[] {
  const found: Outcome[] = [];
  if (spec.capacity.every(({ providers }) => providers.every(({ name }) => name === spot))) {
    found.push(
      warn(
        "all capacity is Spot: when Spot is short, jobs wait, and any runner may be interrupted",
        "add a rung of FARGATE at the end of the ladder",
      ),
    );
  }
  const open = (status?.circuit ?? []).filter(({ until }) => Date.parse(until) > nowMs);
  const passedOver = open.map(({ capacity, message, until }) =>
    warn(
      `rung ${capacity} is passed over until ${until}: ${message}`,
      "nothing, if the other rungs have room; else add capacity",
    ),
  );
  if (open.length > 0 && spec.capacity.every(({ name }) => open.some(({ capacity }) => capacity === name)))
    found.push(fail("every rung of the ladder is passed over", "add a rung with other capacity"));
  return orOk([...found, ...passedOver], `${spec.capacity.map(({ name }) => name).join(", then ")}`);
}
