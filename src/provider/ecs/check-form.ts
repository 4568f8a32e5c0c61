import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { Finding } from "../types.ts";
import { error, warning } from "./finding.ts";
import { imageProblem, isPrivateEcr } from "./image-reference.ts";
import { capacityTypeOf, isFargate } from "./rung.ts";

/** formFindings are what can be said of a class without asking AWS. */
export function formFindings(spec: ECSRunnerClassSpec): Finding[] {
  return [...imageFindings(spec), ...networkFindings(spec)];
}

/** What is wrong with the class' image stops every job, what is wrong with one of images only those that ask for it: a Warning. */
function imageFindings({ image, images, executionRoleArn, capacity }: ECSRunnerClassSpec): Finding[] {
  const all = [
    ...(image === undefined ? [] : [{ title: "image", reference: image, report: error }]),
    ...images.map((each) => ({ title: `image=${each.name}:`, reference: each.image, report: warning })),
  ];
  // Container instances of one's own pull with the role of the instance.
  const needsRole = executionRoleArn === undefined && capacity.some((rung) => capacityTypeOf(rung) !== "AutoScalingGroup");
  return all.flatMap(({ title, reference, report }) => {
    const problem = imageProblem(reference);
    if (problem !== undefined) return [report("ImageInvalid", `${title} ${reference.slice(0, 120)} cannot be right: ${problem}`)];
    if (!needsRole || !isPrivateEcr(reference)) return [];
    const message = `${title} ${reference.slice(0, 120)} lies in a private ECR registry: set executionRoleArn to a role that may pull it`;
    return [report("ExecutionRoleMissing", message)];
  });
}

function networkFindings({ network, capacity }: ECSRunnerClassSpec): Finding[] {
  if (network === undefined) return [];
  const findings: Finding[] = [];
  const elsewhere = capacity.filter((rung) => !isFargate(rung)).map(({ name }) => name);
  if (network.assignPublicIp && elsewhere.length === capacity.length) {
    findings.push(
      error("NetworkInvalid", "network.assignPublicIp works on Fargate only: remove it, and give the subnets a NAT gateway"),
    );
  } else if (network.assignPublicIp && elsewhere.length > 0) {
    findings.push(
      warning(
        "NetworkInvalid",
        `network.assignPublicIp works on Fargate only: runners of rung ${elsewhere.join(", ")} get no public address, so the subnets need a NAT gateway`,
      ),
    );
  }
  if (network.subnets.length === 1) {
    findings.push(
      warning(
        "SingleSubnet",
        "network.subnets names one subnet, so one zone: subnets in more zones give better chances of capacity",
      ),
    );
  }
  return findings;
}
