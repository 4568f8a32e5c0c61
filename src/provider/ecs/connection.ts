import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";

/** EcsConnection leads to a cluster: what is stored with every instance, and what a client is made for. */
export interface EcsConnection {
  readonly region: string;
  readonly cluster: string;
  readonly endpoint?: string;
  readonly assumeRoleArn?: string;
}

/** connectionOf is the connection that a class names. */
export function connectionOf(spec: Pick<ECSRunnerClassSpec, "region" | "cluster" | "endpoint" | "assumeRoleArn">): EcsConnection {
  return {
    region: spec.region,
    cluster: spec.cluster,
    ...(spec.endpoint !== undefined && { endpoint: spec.endpoint }),
    ...(spec.assumeRoleArn !== undefined && { assumeRoleArn: spec.assumeRoleArn }),
  };
}

/**
 * parseConnection reads a connection as it was stored with an instance, maybe by another version of the operator.
 * @throws RangeError when it does not lead to a cluster.
 */
export function parseConnection(stored: Readonly<Record<string, string>>): EcsConnection {
  const { region, cluster, endpoint, assumeRoleArn } = stored;
  if (region === undefined || cluster === undefined) throw new RangeError("the stored place names no region or no cluster");
  return connectionOf({
    region,
    cluster,
    ...(endpoint !== undefined && { endpoint }),
    ...(assumeRoleArn !== undefined && { assumeRoleArn }),
  });
}

/** accountKey tells connections apart that need clients of their own: clusters of one account and Region share one. */
export function accountKey({ region, endpoint, assumeRoleArn }: EcsConnection): string {
  return JSON.stringify([region, endpoint ?? null, assumeRoleArn ?? null]);
}
