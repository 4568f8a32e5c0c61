import { randomUUID } from "node:crypto";
import type { ECSRunnerClassSpec } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import { classSpec } from "../../src/provider/ecs/testing.ts";
import type { ResolvedClass } from "../../src/provider/types.ts";

/** ecsSpec is a class' spec with the API server's defaults filled in: two rungs on Fargate. */
export function ecsSpec(overrides: Partial<ECSRunnerClassSpec> = {}): ECSRunnerClassSpec {
  return classSpec({
    capacity: [
      { name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] },
      { name: "on-demand", providers: [{ name: "FARGATE", weight: 1 }] },
    ],
    network: { subnets: ["subnet-0a1", "subnet-0b2"], securityGroups: ["sg-0c3"], assignPublicIp: false },
    image: "ghcr.io/acme/runner:2.336.0",
    ...overrides,
  });
}

/** ecsClass is a resolved ECSRunnerClass with an identity of its own. */
export function ecsClass(spec: Partial<ECSRunnerClassSpec> = {}): ResolvedClass<ECSRunnerClassSpec> {
  return {
    kind: "ECSRunnerClass",
    namespace: "team-web",
    name: "fargate",
    uid: randomUUID(),
    generation: 1,
    spec: ecsSpec(spec),
  };
}
