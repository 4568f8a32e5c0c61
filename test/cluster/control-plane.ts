import { existsSync } from "node:fs";
import { buildKubebox } from "./build.ts";
import { useExistingCluster } from "./existing-cluster.ts";
import { binariesIn, chooseControlPlane } from "./locate.ts";
import { startOwnControlPlane } from "./own-control-plane.ts";

/** Report takes one line of progress for people. */
export type Report = (line: string) => void;

/** ControlPlane is a real API server with etcd behind it; nothing runs pods here. */
export interface ControlPlane {
  /** A private file (mode 0600). */
  readonly kubeconfig: string;
  readonly server: string;
  /** Where it came from, in words. */
  readonly way: string;
  readonly kubectlPath: string;
  /** Bearer token of a cluster admin; absent on a cluster that somebody lent. */
  readonly adminToken?: string;
  /** PEM files that a proxy in front of the API server can present; absent on a cluster that somebody lent. */
  readonly servingCertificate?: { readonly certificate: string; readonly key: string };
  /** Whether dependants are garbage-collected and namespaces really go away. */
  readonly hasControllerManager: boolean;
  /** Process ids of its parts, to read what they use; absent on a cluster that somebody lent. */
  processIds?(): { readonly apiServer: number; readonly etcd: number };
  /** The API server's /metrics, for counting requests. */
  metrics(): Promise<string>;
  /** Kills the API server and starts it again on its port; resolves when it is ready. */
  restartApiServer(): Promise<void>;
  /** Kills the API server: connections are refused until startApiServer. */
  stopApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
  /** Freezes the API server (SIGSTOP): connections are accepted and nothing is answered until resumeApiServer. */
  pauseApiServer(): void;
  resumeApiServer(): void;
  stop(): Promise<void>;
}

/** ControlPlaneOptions: all optional. */
export interface ControlPlaneOptions {
  readonly report?: Report;
  readonly apiServerArgs?: readonly string[];
  /** The state directory to create instead of a new one below the system's temporary directory. */
  readonly stateDir?: string;
  /** Never use a cluster that somebody lent, not even with USE_EXISTING_CLUSTER=true. */
  readonly ownServer?: boolean;
}

/** startControlPlane takes the first way that works: an existing cluster with consent, envtest's assets, the own build. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const report = options.report ?? (() => {});
  const choice = chooseControlPlane({ env: process.env, exists: existsSync, ownServer: options.ownServer ?? false });
  for (const reason of choice.passedOver) report(`not taken: ${reason}`);
  switch (choice.way) {
    case "existing":
      return await useExistingCluster(choice.kubeconfig, report);
    case "assets":
      return await startOwnControlPlane({
        ...options,
        binaries: choice.binaries,
        way: `envtest assets (${choice.binaries.apiServer})`,
        report,
      });
    case "build": {
      const directory = await buildKubebox({ report });
      return await startOwnControlPlane({ ...options, binaries: binariesIn(directory), way: `own build (${directory})`, report });
    }
    default:
      throw new Error(`unknown way ${String(choice satisfies never)}`);
  }
}
