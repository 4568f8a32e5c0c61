import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startGuarded } from "../cluster/guard.ts";
import type { NodeCluster } from "../cluster/node.ts";
import type { Release } from "./release.ts";
import { until } from "../support/until.ts";

/** webhookUrl leads from this machine to the Service: to its address where there is a route, else (kind) through the API server. */
export async function webhookUrl(cluster: NodeCluster, release: Release, directory: string): Promise<string> {
  const address = "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}";
  const direct = `http://${await cluster.kubectl(["get", "service", release.name, "-n", release.namespace, "-o", address])}/webhook`;
  const answer = await fetch(direct, { signal: AbortSignal.timeout(3_000) }).catch(() => undefined);
  if (answer !== undefined) return direct;
  const log = join(directory, "kubectl-proxy.log");
  await startGuarded([cluster.kubectlPath, "--kubeconfig", cluster.kubeconfig, "proxy", "--port=0"], { log });
  const proxy = await until("kubectl proxy", 10_000, async () => {
    const found = /127\.0\.0\.1:\d+/.exec(await readFile(log, "utf8"))?.[0];
    if (found === undefined) throw new Error("it has not said where it listens");
    return found;
  });
  return `http://${proxy}/api/v1/namespaces/${release.namespace}/services/${release.name}:webhook/proxy/webhook`;
}
