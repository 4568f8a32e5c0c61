import type { CapacityProvider } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { isProviderError } from "../errors.ts";
import type { Finding } from "../types.ts";
import type { EcsApi } from "./clients.ts";
import { error, warning } from "./finding.ts";
import { type CapacityType, capacityTypeOf, isFargate, type Rung } from "./rung.ts";

/** DescribeCapacityProviders answers with ten at a time where it is not asked for fewer. */
const batch = 10;

interface Described {
  /** Undefined where ECS could not, or need not, be asked. */
  readonly providers: ReadonlyMap<string, CapacityProvider> | undefined;
  readonly findings: readonly Finding[];
}

/**
 * capacityFindings says which capacity providers of the ladder cannot give runners. AWS' own two are looked for in the cluster's list
 * alone: what else there is to know of them is the same everywhere, and so a class on Fargate needs no further right.
 */
export async function capacityFindings(
  api: EcsApi,
  spec: ECSRunnerClassSpec,
  associated: readonly string[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const own = spec.capacity.filter((rung) => !isFargate(rung)).flatMap(({ providers }) => providers.map(({ name }) => name));
  const described: Described =
    own.length === 0 ? { providers: undefined, findings: [] } : await describe(api, spec.cluster, [...new Set(own)], signal);
  const findings = spec.capacity.flatMap((rung) =>
    rung.providers.flatMap(({ name }) => {
      const problem = providerProblem(spec.cluster, rung, name, associated, described.providers);
      return problem === undefined ? [] : [problem];
    }),
  );
  return [...findings, ...described.findings];
}

function providerProblem(
  cluster: string,
  rung: Rung,
  name: string,
  associated: readonly string[],
  providers: Described["providers"],
): Finding | undefined {
  const found = providers?.get(name);
  const home = found?.cluster?.split("/").at(-1);
  // Managed Instances belong to the one cluster that they were created for, and need no association beside that.
  if (found !== undefined && typeOf(found) === "ManagedInstances" && home !== undefined && home !== "" && home !== cluster) {
    const message = `capacity provider ${name} of rung ${rung.name} belongs to cluster ${home}, and Managed Instances serve one cluster only: create one for ${cluster}`;
    return error("CapacityProviderMissing", message);
  }
  const unknown = providers === undefined && capacityTypeOf(rung) === "ManagedInstances";
  if (!associated.includes(name) && home !== cluster && !unknown) {
    const message = `rung ${rung.name} names capacity provider ${name}, which is not associated with cluster ${cluster}: associate it (aws ecs put-cluster-capacity-providers)`;
    return error("CapacityProviderMissing", message);
  }
  if (found === undefined) return undefined;
  if (found.status !== undefined && found.status !== "ACTIVE") {
    const message = `capacity provider ${name} of rung ${rung.name} is ${found.status}: wait until it is ACTIVE, or name another one`;
    return error("CapacityProviderInvalid", message);
  }
  return typeProblem(rung, name, typeOf(found));
}

function typeProblem(rung: Rung, name: string, type: CapacityType | undefined): Finding | undefined {
  if (type === undefined || type === capacityTypeOf(rung)) return undefined;
  const what = `capacity provider ${name} of rung ${rung.name}`;
  return error(
    "CapacityProviderInvalid",
    type === "ManagedInstances"
      ? `${what} is one of Managed Instances: set type: ManagedInstances on the rung, so that the task definition is made for them`
      : `${what} is one of an Auto Scaling group: set type: AutoScalingGroup on the rung, or leave type out`,
  );
}

/** What a provider is; by its settings where an older endpoint names no type. */
function typeOf({ type, managedInstancesProvider, autoScalingGroupProvider }: CapacityProvider): CapacityType | undefined {
  if (type === "MANAGED_INSTANCES" || managedInstancesProvider !== undefined) return "ManagedInstances";
  if (type === "EC2_AUTOSCALING" || autoScalingGroupProvider !== undefined) return "AutoScalingGroup";
  return undefined;
}

async function describe(api: EcsApi, cluster: string, names: readonly string[], signal: AbortSignal): Promise<Described> {
  const providers = new Map<string, CapacityProvider>();
  try {
    for (let start = 0; start < names.length; start += batch) {
      // With the cluster's name, Managed Instances are told apart from those of the same name in other clusters.
      const input = { cluster, capacityProviders: names.slice(start, start + batch) };
      const answer = await api.describeCapacityProviders(input, signal);
      for (const provider of answer.capacityProviders ?? []) {
        if (provider.name !== undefined) providers.set(provider.name, provider);
      }
    }
    return { providers, findings: [] };
  } catch (failure) {
    if (!isProviderError(failure)) throw failure;
    if (failure.code === "Throttled" || failure.code === "Unavailable") throw failure;
    // Runners can be started without this look. Silence would hide that a wrong type is not noticed any more.
    const findings =
      failure.code === "Unauthorized"
        ? [
            warning(
              "RightMissing",
              "the class' own capacity providers cannot be looked at: allow ecs:DescribeCapacityProviders to the operator's identity",
            ),
          ]
        : [];
    return { providers: undefined, findings };
  }
}
