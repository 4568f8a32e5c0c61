import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ECSRunnerClassSpec } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import { overrideKeys } from "../../src/api/v1alpha1/override-keys.ts";
import type { OverridePolicy, Overrides } from "../../src/api/v1alpha1/overrides.ts";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../src/api/v1alpha1/runner-target.ts";
import { rejectionOf } from "../../src/controllers/runner-request/rejection.ts";
import { parseLabels } from "../../src/overrides/parse.ts";
import { policyProblems } from "../../src/overrides/policy.ts";
import { createEcsProvider } from "../../src/provider/ecs/provider.ts";
import { type Shape, shapeRunner } from "../../src/provider/ecs/shape.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { systemClock } from "../../src/util/clock.ts";
import { ecsClass } from "../provider/ecs-class.ts";
import { labelSets, policies, specs } from "./arbitrary.ts";
import { allows, fitsFargate, mebibytes } from "./oracle.ts";

/*
 * Labels are free text of whoever writes a workflow, and they choose what is paid for. So: 100,000 sets of them through everything that
 * stands between a webhook and a launch, against judges that share no line with it.
 */

const classes = 10_000;
const setsOfEach = 10;

const provider = createEcsProvider({ clock: systemClock, log: silentLogger() });

describe("100,000 random sets of labels", () => {
  it("never throw, and none is accepted that the policy or Fargate's table does not have", { timeout: 300_000 }, () => {
    let sets = 0;
    let accepted = 0;
    let changed = 0;
    fc.assert(
      fc.property(
        specs.chain((spec) =>
          fc.tuple(
            fc.constant(spec),
            policies(spec),
            fc.array(labelSets(spec), { minLength: setsOfEach, maxLength: setsOfEach }),
          ),
        ),
        ([spec, policy, all]) => {
          for (const labels of all) {
            const problem = judge(spec, policy, labels);
            if (problem !== undefined && problem !== "rejected") throw new Error(`${JSON.stringify(labels)}: ${problem}`);
            sets += 1;
            if (problem === undefined) accepted += 1;
            if (problem === undefined && labels.some((label) => label.includes("="))) changed += 1;
          }
        },
      ),
      { numRuns: classes },
    );
    expect(sets).toBe(classes * setsOfEach);
    // Judges that never see an accepted set would prove nothing.
    expect(accepted).toBeGreaterThan(sets / 20);
    expect(changed).toBeGreaterThan(sets / 50);
  });
});

/** What is wrong with how one set is treated, "rejected" where it is refused as it should be, undefined where it is rightly accepted. */
function judge(spec: ECSRunnerClassSpec, policy: OverridePolicy | undefined, labels: readonly string[]): string | undefined {
  const parsed = parseLabels(labels);
  const again = parseLabels(parsed.labels);
  if (JSON.stringify(again.overrides) !== JSON.stringify(parsed.overrides))
    return "the runner's labels mean something else than the job's";
  if (parsed.plain.some((label) => label.includes("="))) return "a plain label has a sign";

  const cls = ecsClass({ ...spec });
  const request = { spec: { job: { labels } } } as unknown as RunnerRequest;
  const target = {
    metadata: { namespace: "team-web", name: "web" },
    spec: { classRef: { name: "fargate" }, ...(policy !== undefined && { overrides: policy }) },
  } as unknown as RunnerTarget;
  const rejection = rejectionOf(request, target, {
    runnerClass: () => ({ ...cls, spec: cls.spec }) as never,
    provider: () => provider as never,
  });
  const stepwise = parsed.problems.length + policyProblems(parsed.overrides, policy, "RunnerTarget web").length;
  if (rejection !== undefined) {
    return wordsProblem(rejection) ?? "rejected";
  }
  if (stepwise > 0) return "accepted although a step has something against it";
  const small = (label: string): string => label.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const unmet = labels.find((label) => label.includes("=") && !parsed.labels.includes(small(label)));
  if (unmet !== undefined) return `no runner would have the label ${unmet}`;
  const resolution = provider.resolve(cls, parsed.overrides, policy);
  if (!resolution.ok) return "accepted although the class does not have it";
  return acceptedProblem(cls.spec, policy, parsed.overrides, resolution.overrides);
}

function acceptedProblem(
  spec: ECSRunnerClassSpec,
  policy: OverridePolicy | undefined,
  asked: Overrides,
  resolved: Overrides,
): string | undefined {
  for (const key of overrideKeys) {
    const value = resolved[key];
    if (asked[key] !== undefined && value !== asked[key]) return `${key} was asked as ${asked[key]} and became ${value}`;
    if (asked[key] === undefined && value !== undefined && key !== "cpu" && key !== "memory") return `${key} followed`;
    if (value !== undefined && !allows(policy, key, value)) return `${key}=${value} is outside the policy`;
  }
  const shaping = shapeRunner(spec, asked, policy);
  const once = shapeRunner(spec, resolved);
  if (!shaping.ok || !once.ok) return "what was resolved cannot be launched without the policy";
  if (JSON.stringify(once) !== JSON.stringify({ ...shaping, overrides: resolved })) return "the launch comes to another shape";

  return sizeProblem(asked, once.shape) ?? diskProblem(asked, once.shape) ?? nameProblem(spec, asked, once.shape);
}

function sizeProblem(asked: Overrides, shape: Shape): string | undefined {
  if (shape.rungs.length === 0) return "no rung is left";
  const fargate = shape.rungs.some(({ providers }) => providers.some(({ name }) => name.startsWith("FARGATE")));
  if (fargate && !fitsFargate(shape.cpu, shape.memoryMiB)) return `Fargate has no ${shape.cpu} with ${shape.memoryMiB} MiB`;
  if (asked.cpu !== undefined && shape.cpu !== asked.cpu) return "the cpu is not the one asked for";
  if (asked.memory !== undefined && BigInt(shape.memoryMiB) !== mebibytes(asked.memory))
    return "the memory is not what was asked for";
  return undefined;
}

function diskProblem(asked: Overrides, shape: Shape): string | undefined {
  if (asked.disk !== undefined) {
    const gibibytes = Math.ceil(Number(mebibytes(asked.disk)) / 1024);
    if (gibibytes < 20 || gibibytes > 200 || (shape.diskGiB ?? 20) !== gibibytes) return "the disk is not what was asked for";
    if (!shape.rungs.every(({ providers }) => providers.every(({ name }) => name.startsWith("FARGATE"))))
      return "a disk without Fargate";
  }
  return undefined;
}

function nameProblem(spec: ECSRunnerClassSpec, asked: Overrides, shape: Shape): string | undefined {
  if (asked.capacity !== undefined && shape.rungs.some(({ name }) => name !== asked.capacity)) return "another rung";
  const named = <T extends { readonly name: string }>(list: readonly T[], name: string | undefined): T | undefined =>
    list.find((each) => each.name === name);
  const image = asked.image === undefined ? spec.image : named(spec.images, asked.image)?.image;
  if (image === undefined || shape.image !== image) return "another image";
  const groups =
    asked.securityGroup === undefined
      ? spec.network?.securityGroups
      : named(spec.securityGroupSets, asked.securityGroup)?.securityGroups;
  if (JSON.stringify(shape.securityGroups) !== JSON.stringify(groups)) return "other security groups";
  return undefined;
}

/** A rejection is a sentence for a condition: short, whole characters only, and nothing that a terminal obeys. */
function wordsProblem(text: string): string | undefined {
  if (text.length === 0 || text.length > 300) return `a message of ${text.length} characters`;
  if (!text.isWellFormed()) return "a message with half a character";
  if (/[\p{Cc}\p{Zl}\p{Zp}]|[\u202A-\u202E\u2066-\u2069]/u.test(text)) return "a message with control characters";
  return undefined;
}
