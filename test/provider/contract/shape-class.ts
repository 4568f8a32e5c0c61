import type { ECSRunnerClassSpec } from "../../../src/api/v1alpha1/ecs-runner-class.ts";

/** shapeNames are what the contract's class names, for jobs to choose. */
export const shapeNames = { size: "large", image: "other", securityGroup: "db-access" } as const;

/** shapeChoices is the part of the contract's class that jobs choose from by label. */
export function shapeChoices(
  image = "ghcr.io/acme/runner-node:22",
  securityGroup = "sg-0d4",
): Pick<ECSRunnerClassSpec, "images" | "sizes" | "securityGroupSets"> {
  return {
    images: [{ name: shapeNames.image, image }],
    sizes: [{ name: shapeNames.size, cpu: 4, memory: "16Gi", disk: "40Gi" }],
    securityGroupSets: [{ name: shapeNames.securityGroup, securityGroups: [securityGroup] }],
  };
}
