import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubeconfigText } from "../cluster/components.ts";
import type { ControlPlane } from "../cluster/control-plane.ts";
import { kubectlOf } from "../support/kubectl.ts";
import { ownControlPlane } from "../support/test-cluster.ts";
import { deployment, render, type Rendered } from "./helm.ts";

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
  grant(options: {
    namespace: string;
    values: object;
    /** A rule that is left out: "getabako-secrets 0" is the first of the Roles of that name. */
    without?: string;
  }): Promise<Release>;
  stop(): Promise<void>;
}

/** Account is what the pods of a Deployment run as, and with which arguments. */
export interface Account {
  /** operator, or intake and controller. */
  readonly component: string;
  /** The user name of its ServiceAccount. */
  readonly user: string;
  readonly kubeconfig: string;
  readonly args: readonly string[];
}

/** Release is what was rendered, and the accounts that its pods would run as. */
export interface Release extends Account {
  readonly objects: readonly Rendered[];
  readonly accounts: readonly Account[];
}

/** rulesWithout leaves a rule out of what is granted. */
function rulesWithout(object: Rendered, without: string | undefined): Rendered {
  const [name, index] = without?.split(" ") ?? [];
  if (object.rules === undefined || object.metadata.name !== name) return object;
  return { ...object, rules: (object.rules as readonly unknown[]).toSpliced(Number(index), 1) };
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
  const kubectl = kubectlOf(plane);
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
    async grant({ namespace, values, without }) {
      const objects = (await render({ namespace, values })).map((object) => rulesWithout(object, without));
      const granting = objects.filter(({ kind }) => grants.includes(kind));
      await kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: granting }));
      const deployments = objects.filter(({ kind }) => kind === "Deployment");
      const accounts = await Promise.all(
        deployments.map(async ({ metadata }): Promise<Account> => {
          const { serviceAccountName: name, containers } = deployment(objects, metadata.name).template.spec;
          // TokenRequest, as the kubelet makes one for a pod.
          const token = (await kubectl(["create", "token", name, "-n", namespace])).trim();
          const kubeconfig = join(directory, `${randomBytes(4).toString("hex")}.kubeconfig`);
          await writeFile(kubeconfig, await kubeconfigOf(plane, token), { mode: 0o600 });
          const user = `system:serviceaccount:${namespace}:${name}`;
          return { component: metadata.labels["app.kubernetes.io/component"] ?? "", user, kubeconfig, args: containers[0].args };
        }),
      );
      const [first] = accounts;
      if (first === undefined) throw new Error("nothing runs in this release");
      return { ...first, objects, accounts };
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
