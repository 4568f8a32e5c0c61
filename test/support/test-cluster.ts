import { randomBytes } from "node:crypto";
import { afterAll, inject } from "vitest";
import { type ApiTarget, apiRequest } from "../cluster/api-request.ts";
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from "../cluster/control-plane.ts";
import { type CommandResult, runCommand, tryCommand } from "../cluster/run-command.ts";
import type { SharedControlPlane } from "./global-setup.ts";
import { installCrds } from "./install-crds.ts";

/** TestCluster is the API server that all suites of a run share: keep to a namespace of your own. */
export interface TestCluster extends SharedControlPlane {
  /** Bearer token of a cluster admin; throws on a cluster that somebody lent, where only the kubeconfig admits. */
  readonly token: string;
  /** Runs kubectl and returns what it printed; rejects with its error text. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Runs kubectl and returns exit code and texts, for what is meant to be refused. */
  tryKubectl(args: readonly string[], stdin?: string): Promise<CommandResult>;
  /** Changes what it names in an object, as `kubectl patch --type=merge` does. */
  patch(resource: string, name: string, namespace: string, change: object): Promise<string>;
  /** Creates a namespace that no other test has. */
  namespace(prefix?: string): Promise<string>;
  /** The API server's /metrics. */
  metrics(): Promise<string>;
}

/** testCluster gives a suite the shared API server. Call it at the top of a suite: it may clean up after the suite. */
export function testCluster(): TestCluster {
  const shared = inject("controlPlane");
  const made: string[] = [];
  // A discovery cache of its own: kubectl keys it by address, and an earlier server on the same port knew other kinds.
  const connection = ["--kubeconfig", shared.kubeconfig, "--cache-dir", `${shared.kubeconfig}.cache`];
  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> =>
    await runCommand(shared.kubectlPath, [...connection, ...args], stdin === undefined ? {} : { input: stdin });
  const target = apiTarget(shared);
  if (target === undefined) {
    // Ours dies with the run; on a cluster that somebody lent the namespaces have to go.
    afterAll(async () => {
      if (made.length > 0) await kubectl(["delete", "namespace", "--wait=false", ...made]);
    });
  }
  return {
    ...shared,
    get token() {
      if (shared.adminToken === undefined) throw new Error(`${shared.way} has no admin token: use its kubeconfig`);
      return shared.adminToken;
    },
    kubectl,
    tryKubectl: async (args, stdin) =>
      await tryCommand(shared.kubectlPath, [...connection, ...args], stdin === undefined ? {} : { input: stdin }),
    patch: async (resource, name, namespace, change) =>
      await kubectl(["patch", resource, name, "-n", namespace, "--type=merge", "-p", JSON.stringify(change)]),
    async namespace(prefix = "test") {
      const name = `${prefix}-${randomBytes(5).toString("hex")}`;
      if (target === undefined) await kubectl(["create", "namespace", name]);
      else await createNamespace(target, name);
      made.push(name);
      return name;
    },
    async metrics() {
      if (target === undefined) return await kubectl(["get", "--raw", "/metrics"]);
      const answer = await apiRequest(target, { path: "/metrics", timeoutMs: 20_000 });
      if (answer.status !== 200) throw new Error(`the API server answered ${answer.status} for /metrics`);
      return answer.body;
    },
  };
}

/**
 * ownControlPlane starts an API server for one suite that stops, freezes or floods it, with the CRDs installed; call it
 * in beforeAll and `stop` it in afterAll.
 */
export async function ownControlPlane(options: Omit<ControlPlaneOptions, "ownServer"> = {}): Promise<ControlPlane> {
  const controlPlane = await startControlPlane({ ...options, ownServer: true });
  try {
    await installCrds(controlPlane);
    return controlPlane;
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

function apiTarget({ server, adminToken, servingCertificate }: SharedControlPlane): ApiTarget | undefined {
  if (adminToken === undefined || servingCertificate === undefined) return undefined;
  // The API server signs for itself: its certificate file ends with the authority.
  return { server, token: adminToken, certificateAuthorityFile: servingCertificate.certificate };
}

async function createNamespace(target: ApiTarget, name: string): Promise<void> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  const answer = await apiRequest(target, { method: "POST", path: "/api/v1/namespaces", body });
  if (answer.status !== 201) throw new Error(`namespace ${name} was not created (${answer.status}): ${answer.body}`);
}
