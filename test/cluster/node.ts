import { buildKubebox } from "./build.ts";
import { chooseNode, surveyMachine } from "./choose-node.ts";
import { startKindNode } from "./kind-node.ts";
import { startOwnNode } from "./own-node.ts";
import { ensurePrerequisites, nodePrerequisites } from "./prerequisites.ts";
import type { RunOptions } from "./run-command.ts";

/** Report takes one line of progress for people. */
export type Report = (line: string) => void;

/** NodeCluster is a Kubernetes with one node that really runs pods. */
export interface NodeCluster {
  /** Where it came from, in words. */
  readonly way: string;
  /** A private file (mode 0600). */
  readonly kubeconfig: string;
  readonly kubectlPath: string;
  readonly helmPath: string;
  /** Where pods reach a server of this machine, which then listens on this address or on 0.0.0.0, never on 127.0.0.1. */
  readonly hostIp: string;
  /** Where this machine reaches NodePorts. */
  readonly nodeIp: string;
  /** Imports a docker-archive or oci-archive; name images localhost/NAME:TAG, and never `latest`. */
  loadImage(archive: string): Promise<void>;
  /** Runs kubectl and returns what it printed; rejects with its error text. */
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  helm(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Runs a command inside the node: `kill -9 $(cat /mnt/pid/kube-apiserver)` in the own build's. */
  exec(command: readonly string[], options?: RunOptions): Promise<string>;
  /** What the service accounts of applications asked the API server, one audit event a line; empty where nobody records it. */
  auditLog(): Promise<string>;
  stop(): Promise<void>;
}

/** startNode takes the first way that works: kind where a container engine answers, else the own build in namespaces of its own. */
export async function startNode({ report }: { report: Report }): Promise<NodeCluster> {
  if (process.env["USE_EXISTING_CLUSTER"] === "true") {
    report(
      "not taken: existing cluster: images are loaded into the node here and pods reach this machine, which no cluster that is only named can promise",
    );
  }
  const choice = chooseNode(await surveyMachine());
  for (const reason of choice.passedOver) report(`not taken: ${reason}`);
  if (choice.way === "kind") return await startKindNode({ engine: choice.engine, kind: choice.kind, report });
  await ensurePrerequisites(nodePrerequisites, report);
  return await startOwnNode({ binaries: await buildKubebox({ report }), report });
}
