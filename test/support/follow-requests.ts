import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import { createStores } from "../../src/cli/stores.ts";
import { Cluster } from "../../src/kube/cluster.ts";
import type { Informer } from "../../src/kube/informer.ts";
import { KubeMetrics } from "../../src/kube/metrics.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { createRegistry } from "../../src/telemetry/metrics.ts";

/** followRequests watches the RunnerRequests of a namespace, as anybody could, until `building` is disposed of. */
export async function followRequests(
  kubeconfig: string,
  namespace: string,
  building: AsyncDisposableStack,
): Promise<Informer<RunnerRequest>> {
  const log = silentLogger();
  const metrics = new KubeMetrics(createRegistry());
  const cluster = Cluster.load({ kubeconfig, log, metrics, userAgent: "getabako-observer" });
  building.defer(() => cluster.close());
  const { informer } = createStores(cluster, log, metrics, namespace).requests;
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  building.defer(async () => {
    stop.abort();
    await running;
  });
  await informer.synced;
  return informer;
}
