import { Client, ignoreNotFound } from "../../kube/client.ts";
import { leases } from "../../kube/resource.ts";
import { formatDuration } from "../../util/duration.ts";
import { version } from "../version.ts";
import { mayNotAsk, neededRights, Reviewer, rightText, type Right } from "./access.ts";
import { type Check, fail, ok, type Outcome, skip, warn } from "./check.ts";
import type { Context } from "./context.ts";
import type { Deployment } from "./find-operator.ts";

/** operatorChecks are about the operator's process and rights. */
export const operatorChecks: readonly Check<Context>[] = [
  { name: "deployment", run: ({ operator, inPod }) => deploymentOutcomes(operator, inPod) },
  { name: "lease", run: leaseOutcomes },
  {
    name: "rights",
    run: async (context, signal) => {
      const wanted = neededRights(context.operator.leaseName);
      const advice = "upgrade the chart with rbac.create true, or grant this to the operator's service account";
      return await rightOutcomes(context, wanted, advice, signal);
    },
  },
];

function deploymentOutcomes({ deployments, error, namespace }: Context["operator"], inPod: string): readonly Outcome[] {
  const where = namespace === undefined ? "any namespace" : `namespace ${namespace}`;
  if (error?.reason === "Forbidden")
    return [
      skip("Deployments may not be read; the Lease tells whether the operator lives", "use a kubeconfig that may read them"),
    ];
  if (error !== undefined) throw error;
  if (deployments.length === 0)
    return [fail(`no operator is installed in ${where}`, "install the chart, or name its namespace with --operator-namespace")];
  const releases = Map.groupBy(
    deployments,
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[release] ?? metadata.name}`,
  );
  if (releases.size > 1) {
    const names = [...releases.keys()].join(" and ");
    const advice =
      "name one with --operator-namespace; two may serve one cluster only where each has a namespace (watchNamespace)";
    return [warn(`there are several operators: ${names}`, advice)];
  }
  return deployments.map((deployment) => deploymentOutcome(deployment, inPod));
}

/** The label that all objects of a Helm release have. */
const release = "app.kubernetes.io/instance";

function deploymentOutcome({ metadata, spec, status }: Deployment, inPod: string): Outcome {
  const { namespace } = metadata;
  const name = `${namespace}/${metadata.name}`;
  const { replicas = 1 } = spec ?? {};
  const { readyReplicas = 0 } = status ?? {};
  if (replicas === 0)
    return fail(`Deployment ${name} is scaled to 0`, `kubectl scale deploy -n ${namespace} ${metadata.name} --replicas 1`);
  const look = `look at its pods: kubectl describe pods -n ${namespace} -l app.kubernetes.io/part-of=getabako`;
  if (readyReplicas === 0) return fail(`Deployment ${name} has no ready pod`, look);
  if (readyReplicas < replicas) return warn(`Deployment ${name} has ${readyReplicas} of ${replicas} pods ready`, look);
  const installed = metadata.labels?.["app.kubernetes.io/version"];
  if (version !== "dev" && installed !== undefined && installed !== version)
    return warn(`the operator is of release ${installed}, and this doctor of ${version}`, `use its own doctor: ${inPod}`);
  return ok(`Deployment ${name} has ${readyReplicas} of ${replicas} pods ready`);
}

async function leaseOutcomes({ cluster, clock, operator }: Context, signal: AbortSignal): Promise<readonly Outcome[]> {
  const { namespace, leaseName } = operator;
  if (namespace === undefined) return [skip("the operator's namespace is not known", "name it with --operator-namespace")];
  const name = `Lease ${namespace}/${leaseName}`;
  const lease = await ignoreNotFound(new Client(cluster, leases).get({ namespace, name: leaseName }, { signal }));
  const logs = `read the log of the operator: kubectl logs -n ${namespace} deploy/${leaseName}`;
  if (lease === undefined)
    return [fail(`${name} does not exist: no operator has ever led here`, `${logs}, or name the Lease with --lease-name`)];
  const { holderIdentity = "", renewTime = "", leaseDurationSeconds = 15 } = lease.spec ?? {};
  if (holderIdentity === "") return [fail(`nobody holds ${name}: no operator runs, so nothing is launched`, logs)];
  const ageMs = clock.now() - Date.parse(renewTime);
  // Clocks differ, and a renewal that is a moment late is no news.
  if (Number.isNaN(ageMs) || ageMs > 2_000 * leaseDurationSeconds) {
    const age = Number.isNaN(ageMs) ? "ever" : formatDuration(ageMs);
    return [fail(`${holderIdentity} has not renewed ${name} for ${age}: nothing is launched`, logs)];
  }
  return [ok(`${holderIdentity} holds ${name}, renewed ${formatDuration(Math.max(ageMs, 0))} ago`)];
}

/** rightOutcomes say which rights the operator lacks, asked for its service account, or for --as. */
export async function rightOutcomes(
  { cluster, operator, options }: Context,
  wanted: readonly Right[],
  advice: string,
  signal: AbortSignal,
  namespace?: string,
): Promise<readonly Outcome[]> {
  const reviewer = new Reviewer(cluster, operator.user);
  const watched = namespace ?? operator.watchNamespace ?? options.namespace ?? "";
  const namespaceOf = ({ where }: Right): string => (where === "home" ? (operator.namespace ?? "") : watched);
  try {
    const who = await reviewer.who(signal);
    // In its pod doctor is the operator, as far as the API server can tell.
    if (operator.user === undefined && !who.startsWith(`system:serviceaccount:${operator.namespace}:`)) {
      return [skip("the operator's service account is not known", "name it with --as NAMESPACE/SERVICEACCOUNT")];
    }
    const denied = await reviewer.denied(wanted, namespaceOf, signal);
    if (denied.length === 0) return [ok(`${who} has all ${wanted.length} rights that it needs`)];
    const shown = denied.slice(0, 6).map(rightText).join(", ");
    const more = denied.length > 6 ? ` and ${denied.length - 6} more` : "";
    return [fail(`${who} may not: ${shown}${more}`, advice)];
  } catch (error) {
    if (!mayNotAsk(error)) throw error;
    return [skip(`you may not ask what ${operator.user} may do`, "run doctor in the pod, or as a cluster admin")];
  }
}
