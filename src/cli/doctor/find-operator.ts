import { type ApiError, isApiError } from "../../kube/api-error.ts";
import { Client } from "../../kube/client.ts";
import type { Cluster } from "../../kube/cluster.ts";
import type { KubeObject } from "../../kube/object.ts";
import { defineResource } from "../../kube/resource.ts";
import { podNamespace } from "../options.ts";
import type { DoctorOptions } from "./options.ts";

/** Deployment is the part of apps/v1 Deployment that is looked at. */
export interface Deployment extends KubeObject {
  spec?: {
    replicas?: number;
    template?: { spec?: { serviceAccountName?: string; containers?: { name: string; image?: string; args?: string[] }[] } };
  };
  status?: { observedGeneration?: number; readyReplicas?: number; updatedReplicas?: number };
}

/** FoundOperator is where the operator runs and as whom, as far as it could be found. */
export interface FoundOperator {
  readonly deployments: readonly Deployment[];
  /** Why Deployments could not be looked for. */
  readonly error?: ApiError;
  readonly namespace: string | undefined;
  readonly leaseName: string;
  /** The user of its service account; undefined means that doctor itself runs as it, or that it is not known. */
  readonly user: string | undefined;
  /** The one namespace that it serves; undefined means all. */
  readonly watchNamespace: string | undefined;
}

const deployments = defineResource<Deployment>({
  group: "apps",
  version: "v1",
  plural: "deployments",
  kind: "Deployment",
  namespaced: true,
});
/** A label of the chart's Deployments: one, or several that share the work. */
const selector = "app.kubernetes.io/part-of=getabako";

/** findOperator looks for the operator's Deployment, and takes from it what the options leave open. */
export async function findOperator(
  cluster: Cluster,
  options: DoctorOptions,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<FoundOperator> {
  const wanted = options.operatorNamespace ?? podNamespace();
  let found: readonly Deployment[] = [];
  let error: ApiError | undefined;
  try {
    found = (await new Client(cluster, deployments).list({ namespace: wanted, labelSelector: selector, signal })).items;
  } catch (thrown) {
    if (!isApiError(thrown)) throw thrown;
    error = thrown;
  }
  // Of several that share the work, the one with the controllers is meant: it has the Lease, and needs all of the rights.
  const first = found.find((deployment) => rolesOf(deployment).includes("controller")) ?? found[0];
  const namespace = first?.metadata.namespace ?? wanted;
  const args = first === undefined ? [] : argumentsOf(first);
  const argument = (flag: string): string | undefined =>
    args.find((each) => each.startsWith(`--${flag}=`))?.slice(flag.length + 3);
  return {
    deployments: found,
    ...(error !== undefined && { error }),
    namespace,
    // The chart gives Deployment and Lease one name, and a pod's name begins with it.
    leaseName: options.leaseName ?? argument("lease-name") ?? deploymentOfPod(env["POD_NAME"]) ?? "getabako",
    user: options.as ?? (first === undefined ? undefined : userOf(first)),
    watchNamespace: argument("watch-namespace"),
  };
}

/** Both, where the arguments do not say. */
function rolesOf(deployment: Deployment): string {
  return argumentsOf(deployment).find((each) => each.startsWith("--roles=")) ?? "intake,controller";
}

function argumentsOf({ spec }: Deployment): readonly string[] {
  return spec?.template?.spec?.containers?.flatMap(({ args = [] }) => args) ?? [];
}

function userOf({ spec, metadata }: Deployment): string {
  return `system:serviceaccount:${metadata.namespace}:${spec?.template?.spec?.serviceAccountName ?? "default"}`;
}

/** The Deployment that a pod belongs to, by its name: NAME-REPLICASET-POD. */
function deploymentOfPod(pod: string | undefined): string | undefined {
  return /^(.+)-[a-z0-9]{6,10}-[a-z0-9]{5}$/.exec(pod ?? "")?.[1];
}
