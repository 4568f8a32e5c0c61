import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubeconfigText } from "../cluster/components.ts";
import type { ControlPlane } from "../cluster/control-plane.ts";
import { runCommand } from "../cluster/run-command.ts";
import { ownControlPlane } from "../support/test-cluster.ts";
import { only, render, type Rendered } from "./helm.ts";

/** Access is one request that the API server had from a user: what RBAC was asked, and the status of the answer. */
export interface Access {
  readonly user: string;
  readonly verb: string;
  /** "secrets", "leases.coordination.k8s.io", "runnertargets.getabako.dev/status". */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly status: number;
}

/** AuditedPlane is an API server of one suite's own, which writes down who asked for what. */
export interface AuditedPlane {
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** A namespace for a release. */
  namespace(name: string): Promise<string>;
  /** Everything that ServiceAccounts have asked for so far. */
  accesses(): Promise<Access[]>;
  /** Grants what a release grants, and nothing of what it runs. */
  grant(options: { namespace: string; values: object }): Promise<Release>;
  stop(): Promise<void>;
}

/** Release is what was rendered, and the ServiceAccount that its pods would run as. */
export interface Release {
  readonly objects: readonly Rendered[];
  /** The user name of its ServiceAccount. */
  readonly user: string;
  readonly kubeconfig: string;
}

const grants = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

/** auditedPlane starts one. ClusterRoles and what their holder changes in all namespaces disturb no other suite here. */
export async function auditedPlane(): Promise<AuditedPlane> {
  const directory = await mkdtemp(join(tmpdir(), "getabako-audit-"));
  const [policy, log] = [join(directory, "policy.json"), join(directory, "audit.log")];
  const rules = [
    { level: "Metadata", userGroups: ["system:serviceaccounts"], omitStages: ["RequestReceived"] },
    { level: "None" },
  ];
  await writeFile(policy, JSON.stringify({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules }));
  const plane = await ownControlPlane({ apiServerArgs: [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`] });
  const kubectl = (args: readonly string[], stdin?: string): Promise<string> =>
    runCommand(plane.kubectlPath, ["--kubeconfig", plane.kubeconfig, ...args], stdin === undefined ? {} : { input: stdin });
  return {
    kubectl,
    async namespace(name) {
      await kubectl(["create", "namespace", name]);
      return name;
    },
    async accesses() {
      const lines = (await readFile(log, "utf8")).split("\n").slice(0, -1);
      return lines.flatMap((line) => readAccess(line) ?? []);
    },
    async grant({ namespace, values }) {
      const objects = await render({ namespace, values });
      const granting = objects.filter(({ kind }) => grants.includes(kind));
      await kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: granting }));
      const { name } = only(objects, "ServiceAccount").metadata;
      // TokenRequest, as the kubelet makes one for a pod.
      const token = (await kubectl(["create", "token", name, "-n", namespace])).trim();
      const kubeconfig = join(directory, `${randomBytes(4).toString("hex")}.kubeconfig`);
      await writeFile(kubeconfig, await kubeconfigOf(plane, token), { mode: 0o600 });
      return { objects, user: `system:serviceaccount:${namespace}:${name}`, kubeconfig };
    },
    async stop() {
      await plane.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function kubeconfigOf({ server, servingCertificate }: ControlPlane, token: string): Promise<string> {
  const certificateAuthority =
    servingCertificate === undefined ? undefined : await readFile(servingCertificate.certificate, "utf8");
  return kubeconfigText({ server, user: { token }, ...(certificateAuthority !== undefined && { certificateAuthority }) });
}

interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

function readAccess(line: string): Access | undefined {
  const { stage, verb, user, objectRef, responseStatus } = JSON.parse(line) as AuditEvent;
  // A watch is reported when it starts and again when it ends.
  if (objectRef === undefined || (verb === "watch" && stage === "ResponseComplete")) return undefined;
  const { apiGroup, resource, subresource, namespace } = objectRef;
  const group = apiGroup === undefined ? "" : `.${apiGroup}`;
  const below = subresource === undefined ? "" : `/${subresource}`;
  return { user: user.username, verb, resource: `${resource}${group}${below}`, namespace, status: responseStatus?.code ?? 0 };
}
