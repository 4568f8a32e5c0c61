import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { parse, stringify } from "yaml";
import type { TestCluster } from "../support/test-cluster.ts";

interface Kubeconfig {
  readonly clusters: readonly { readonly name: string; readonly cluster: object }[];
}

/** kubeconfigFor writes a kubeconfig for the test cluster with another user, and more about the cluster; the file goes with the test. */
export async function kubeconfigFor(cluster: TestCluster, user: object, more: object = {}): Promise<string> {
  const admin = parse(await readFile(cluster.kubeconfig, "utf8")) as Kubeconfig;
  const directory = await mkdtemp(join(tmpdir(), "kube-user-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, "kubeconfig");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { ...admin.clusters[0]?.cluster, ...more } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
  return file;
}

/** LimitedUser is a ServiceAccount that may do nothing but what it is allowed. */
export interface LimitedUser {
  readonly kubeconfig: string;
  /** Grants verbs on the named Secrets of the namespace, instead of what was granted before. */
  allowSecrets(names: readonly string[], verbs?: readonly string[]): Promise<void>;
}

/** limitedUser makes a ServiceAccount in a namespace. */
export async function limitedUser(cluster: TestCluster, namespace: string): Promise<LimitedUser> {
  await cluster.kubectl(["create", "serviceaccount", "limited", "-n", namespace]);
  const token = (await cluster.kubectl(["create", "token", "limited", "-n", namespace])).trim();
  const binding = [
    "create",
    "rolebinding",
    "limited",
    "--role=limited",
    `--serviceaccount=${namespace}:limited`,
    "-n",
    namespace,
  ];
  return {
    kubeconfig: await kubeconfigFor(cluster, { token }),
    async allowSecrets(names, verbs = ["get", "list", "watch"]) {
      const role = {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "Role",
        metadata: { namespace, name: "limited" },
        rules: names.length === 0 ? [] : [{ apiGroups: [""], resources: ["secrets"], resourceNames: names, verbs }],
      };
      await cluster.kubectl(["apply", "-f", "-"], JSON.stringify(role));
      await cluster.tryKubectl(binding);
    },
  };
}
