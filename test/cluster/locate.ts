import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Binaries are the programs of a control plane; without a controller manager there is no garbage collection. */
export interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllerManager?: string;
  readonly kubectl: string;
}

/** Choice is where the control plane comes from, and in words why the ways before it were not taken. */
export type Choice =
  | { readonly way: "existing"; readonly kubeconfig: string; readonly passedOver: readonly string[] }
  | { readonly way: "assets"; readonly binaries: Binaries; readonly passedOver: readonly string[] }
  | { readonly way: "build"; readonly passedOver: readonly string[] };

/** Surroundings are what the choice depends on. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly exists: (path: string) => boolean;
  /** The suite stops and freezes the API server: a cluster that belongs to somebody is out of the question. */
  readonly ownServer?: boolean;
}

/** Where envtest looks for its assets when only single files are named. */
const defaultAssets = "/usr/local/kubebuilder/bin";

/**
 * chooseControlPlane decides between an existing cluster (only with USE_EXISTING_CLUSTER=true), envtest's assets and
 * the own build. A bare KUBECONFIG is never consent: on a developer's machine it points at real clusters, and these
 * tests install CRDs and delete namespaces. An explicit wish that cannot be met is an error, not a reason to go on.
 */
export function chooseControlPlane({ env, exists, ownServer = false }: Surroundings): Choice {
  const passedOver: string[] = [];
  const kubeconfig = env["KUBECONFIG"];
  if (env["USE_EXISTING_CLUSTER"] === "true") {
    if (!ownServer) {
      if (kubeconfig === undefined || kubeconfig === "") {
        throw new Error("USE_EXISTING_CLUSTER=true needs KUBECONFIG: name the kubeconfig of a cluster that tests may change");
      }
      return { way: "existing", kubeconfig, passedOver };
    }
    passedOver.push("existing cluster: these tests stop and freeze the API server, so they start one of their own");
  } else {
    const hint = kubeconfig === undefined ? "" : " (KUBECONFIG alone is not consent to change that cluster)";
    passedOver.push(`existing cluster: USE_EXISTING_CLUSTER is not "true"${hint}`);
  }

  const single = ["TEST_ASSET_ETCD", "TEST_ASSET_KUBE_APISERVER", "TEST_ASSET_KUBECTL"].filter((name) => env[name]);
  const directory = env["KUBEBUILDER_ASSETS"];
  if (!directory && single.length === 0) {
    passedOver.push("envtest assets: KUBEBUILDER_ASSETS is not set");
    return { way: "build", passedOver };
  }
  return { way: "assets", binaries: assetBinaries(env, directory || defaultAssets, exists), passedOver };
}

function assetBinaries(env: Surroundings["env"], directory: string, exists: Surroundings["exists"]): Binaries {
  const kubectl = env["TEST_ASSET_KUBECTL"] || join(directory, "kubectl");
  const binaries = {
    etcd: env["TEST_ASSET_ETCD"] || join(directory, "etcd"),
    apiServer: env["TEST_ASSET_KUBE_APISERVER"] || join(directory, "kube-apiserver"),
    kubectl: exists(kubectl) ? kubectl : (findOnPath("kubectl", env, exists) ?? kubectl),
  };
  const missing = Object.values(binaries).filter((file) => !exists(file));
  if (missing.length > 0) {
    throw new Error(
      `envtest assets are incomplete, missing: ${missing.join(", ")}; correct KUBEBUILDER_ASSETS (setup-envtest use -p path 1.36.x) ` +
        "or unset it, then Kubernetes is built from source",
    );
  }
  const controllerManager = join(directory, "kube-controller-manager");
  return exists(controllerManager) ? { ...binaries, controllerManager } : binaries;
}

/** findOnPath returns the file that a shell would run for a command's name. */
export function findOnPath(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  for (const directory of (env["PATH"] ?? "").split(delimiter)) {
    if (directory !== "" && exists(join(directory, name))) return join(directory, name);
  }
  return undefined;
}

/** binariesIn names the programs of a kubebox directory. */
export function binariesIn(directory: string): Binaries {
  return {
    etcd: join(directory, "etcd"),
    apiServer: join(directory, "kube-apiserver"),
    controllerManager: join(directory, "kube-controller-manager"),
    kubectl: join(directory, "kubectl"),
  };
}
