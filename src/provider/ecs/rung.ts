import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";

/** Rung is one step of a class' ladder. */
export type Rung = ECSRunnerClassSpec["capacity"][number];

/** CapacityType is what the capacity providers of a rung are. */
export type CapacityType = NonNullable<Rung["type"]>;

const fargateProviders: readonly string[] = ["FARGATE", "FARGATE_SPOT"];

/** isFargate tells whether a rung's tasks run on Fargate; a rung is all Fargate or not at all (CRD). */
export function isFargate(rung: Rung): boolean {
  return rung.providers.some(({ name }) => fargateProviders.includes(name));
}

/** capacityTypeOf is the type of a rung: Fargate by the providers' names, else as the class says. */
export function capacityTypeOf(rung: Rung): CapacityType {
  return isFargate(rung) ? "Fargate" : (rung.type ?? "AutoScalingGroup");
}
