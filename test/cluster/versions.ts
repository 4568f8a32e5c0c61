import { homedir } from "node:os";
import { join } from "node:path";

/*
 * To move to another Kubernetes: in kubebox/go.mod change the versions, replace its replace lines by the "=> ./staging" ones
 * of k8s.io/kubernetes' own go.mod (each staging module at v0.MINOR.PATCH), run `go mod tidy` there, change these constants.
 */

/** kubernetesVersion is what kubebox/go.mod builds; the cache directory is named by it. */
export const kubernetesVersion = "1.36.3";

/** helmVersion is what kubebox/go.mod builds. */
export const helmVersion = "4.2.4";

/** helm3Version is the other major that the chart is for; `go install` builds it, where a test asks for it. */
export const helm3Version = "3.22.0";

/** prometheusVersion is what prometheus/go.mod builds: 3.15.1 is v0.315.1 of its Go module. */
export const prometheusVersion = "3.15.1";

/** kubeboxNames are the programs in kubebox: one binary, chosen by the name it is called by. */
export const kubeboxNames = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "kubectl",
  "helm",
  "coredns",
] as const;

/** cacheDirectory is the user's cache for this project, as the XDG base directory specification places it. */
export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  const base = env["XDG_CACHE_HOME"];
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "getabako");
}

/** kubeboxDirectory is where the own build of this Kubernetes version lives; it is a valid KUBEBUILDER_ASSETS. */
export function kubeboxDirectory(env: NodeJS.ProcessEnv): string {
  return join(cacheDirectory(env), "kube", kubernetesVersion);
}
