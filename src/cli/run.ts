import type { EventReason } from "../api/v1alpha1/reasons.ts";
import { createGitHub } from "../github/client.ts";
import { GitHubMetrics } from "../github/metrics.ts";
import { privateKeyProblem } from "../github/private-key.ts";
import { defaultPacing } from "../github/write-pacer.ts";
import { createIntake, createIntakeCore } from "../intake/intake.ts";
import { periods as sweepPeriods } from "../intake/sweep/periods.ts";
import { Client } from "../kube/client.ts";
import { Cluster } from "../kube/cluster.ts";
import { LeaseElector, leasePeriods } from "../kube/lease.ts";
import { Manager } from "../kube/manager.ts";
import { KubeMetrics } from "../kube/metrics.ts";
import { Recorder } from "../kube/recorder.ts";
import { leases } from "../kube/resource.ts";
import { SecretSource } from "../kube/secret-source.ts";
import { AwsMetrics } from "../provider/aws-metrics.ts";
import { ecsProvider } from "../provider/ecs/provider.ts";
import { InstrumentedProvider, ProviderMetrics } from "../provider/instrumented.ts";
import { ProviderRegistry } from "../provider/registry.ts";
import { ConnectionMetrics } from "../telemetry/connection-metrics.ts";
import { TelemetryServer } from "../telemetry/http.ts";
import type { Logger } from "../telemetry/log.ts";
import { JobsCaught } from "../telemetry/jobs-caught.ts";
import { createRegistry } from "../telemetry/metrics.ts";
import { systemClock } from "../util/clock.ts";
import { scaled } from "../util/periods.ts";
import { addControllers } from "./controllers.ts";
import type { Options } from "./options.ts";
import { createStores } from "./stores.ts";
import { addSweeps } from "./sweeps.ts";
import { version } from "./version.ts";

/**
 * run is `getabako run`: it builds the process from its parts and runs it until the signal aborts.
 * @throws when a part breaks or the Lease is lost; the process should then end with an error and be started anew.
 */
export async function run(options: Options, log: Logger, signal: AbortSignal): Promise<void> {
  const clock = systemClock;
  const registry = createRegistry();
  const kubeMetrics = new KubeMetrics(registry);
  const cluster = Cluster.load({
    log,
    metrics: kubeMetrics,
    userAgent: `getabako/${version}`,
    ...(options.kubeconfig !== undefined && { kubeconfig: options.kubeconfig }),
  });
  const stores = createStores(cluster, log, kubeMetrics, options.watchNamespaces);
  const secrets = new SecretSource({ cluster, log, metrics: kubeMetrics });
  const controls = options.roles.has("controller");
  const elector =
    controls && options.leaderElection
      ? new LeaseElector({
          client: new Client(cluster, leases),
          key: { namespace: options.namespace, name: options.leaseName },
          identity: options.identity,
          log,
          metrics: kubeMetrics,
          // A busy test machine must still renew in time.
          ...scaled(leasePeriods, Math.min(options.timeDivisor, 5)),
        })
      : undefined;
  const manager = new Manager({ log, ...(elector !== undefined && { elector }) });
  const host = options.host === undefined ? {} : { host: options.host };

  const connections = new ConnectionMetrics(registry);
  const telemetry = { port: options.telemetryPort, ...host, registry, ready: () => manager.ready };
  manager.add(new TelemetryServer({ ...telemetry, log, watch: connections.watch("telemetry", log) }), { stage: "cache" });
  for (const [name, { informer }] of Object.entries(stores)) {
    // Classes are the controllers' business; intake alone needs no right to read them.
    if (name === "classes" && !controls) continue;
    manager.add({ name: `informer ${name}`, ready: informer.synced, run: (stop) => informer.run(stop) }, { stage: "cache" });
  }
  manager.add({ name: secrets.name, run: (stop) => secrets.run(stop) }, { stage: "cache" });

  // Webhooks and the leader's sweeps end in the same handler.
  const handling = {
    targets: stores.targets.informer,
    requests: stores.requests.informer,
    requestClient: stores.requests.client,
    clock,
    registry,
  };
  const core = createIntakeCore(handling);
  if (options.roles.has("intake")) {
    const intake = createIntake({
      ...handling,
      core,
      apps: stores.apps.informer,
      secrets,
      log,
      port: options.webhookPort,
      ...host,
      watch: connections.watch("webhook", log),
    });
    manager.add(intake.server, { stage: "always" });
  }

  const providerMetrics = new ProviderMetrics(registry);
  const providers = new ProviderRegistry(
    [ecsProvider],
    { clock, log, awsCalls: new AwsMetrics(registry), pace: options.timeDivisor * options.awsRateFactor },
    (provider) => new InstrumentedProvider(provider, providerMetrics),
  );
  const recorder = new Recorder<EventReason>({
    cluster,
    component: "getabako.dev/operator",
    instance: options.identity,
    log,
    metrics: kubeMetrics,
  });
  if (controls) {
    const githubMetrics = new GitHubMetrics(registry);
    const caught = new JobsCaught(registry);
    const { github } = addControllers(manager, {
      stores,
      secrets,
      providers,
      createGitHub: ({ app, url, apiUrl, appId, privateKey, caBundle }) =>
        createGitHub({
          webUrl: url,
          apiUrl,
          appId,
          privateKey,
          caBundle,
          // The pace that keeps below GitHub's limits is a number of calls in a time.
          pacing: { windowMs: defaultPacing.windowMs / options.timeDivisor },
          clock,
          log: log.child({ githubApp: `${app.namespace}/${app.name}` }),
          metrics: githubMetrics,
          userAgent: `getabako/${version}`,
        }),
      keyFault: privateKeyProblem,
      recorder,
      registry,
      kubeMetrics,
      clock,
      log,
      workers: options.workers,
      timeDivisor: options.timeDivisor,
      caught,
      leads: () => elector?.held ?? true,
      watchNamespaces: options.watchNamespaces,
    });
    addSweeps(manager, {
      stores,
      handler: core.handler,
      github,
      caught,
      clock,
      log,
      registry,
      periods: scaled(sweepPeriods, options.timeDivisor),
    });
  }

  log.info({ version, roles: [...options.roles], identity: options.identity, node: process.version }, "starting getabako");
  try {
    await manager.run(signal);
    // Not after a breakdown: it may have been the Lease, and this would prolong a process that leads no more.
    await recorder.flush();
  } finally {
    await providers.close();
    await cluster.close();
  }
}
