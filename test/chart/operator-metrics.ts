import { BucketMetrics } from "../../src/controllers/bucket/metrics.ts";
import { addReadyMetrics } from "../../src/controllers/ready-metrics.ts";
import { CircuitMetrics } from "../../src/controllers/runner-class/circuit-metrics.ts";
import { FeedMetrics } from "../../src/controllers/runner-request/feed-metrics.ts";
import { RunnerRequestMetrics } from "../../src/controllers/runner-request/metrics.ts";
import { addRunnerVersionMetrics } from "../../src/controllers/runner-target/metrics.ts";
import { StandingMetrics } from "../../src/controllers/runner-request/standing-metrics.ts";
import { SweepMetrics as OutsideSweepMetrics } from "../../src/controllers/sweep-metrics.ts";
import { GitHubMetrics } from "../../src/github/metrics.ts";
import { IntakeMetrics } from "../../src/intake/metrics.ts";
import { SweepMetrics } from "../../src/intake/sweep/metrics.ts";
import { KubeMetrics } from "../../src/kube/metrics.ts";
import { systemClock } from "../../src/util/clock.ts";
import { CallBudgets } from "../../src/provider/ecs/call-budget.ts";
import { AwsMetrics } from "../../src/provider/aws-metrics.ts";
import { ProviderMetrics } from "../../src/provider/instrumented.ts";
import { ConnectionMetrics } from "../../src/telemetry/connection-metrics.ts";
import { JobsCaught } from "../../src/telemetry/jobs-caught.ts";
import { createRegistry, type Registry } from "../../src/telemetry/metrics.ts";

/** operatorMetrics is the registry of a pod that does everything and leads, as it is before anything has happened. */
export function operatorMetrics(): Registry {
  const registry = createRegistry();
  new KubeMetrics(registry);
  new ConnectionMetrics(registry);
  new IntakeMetrics(registry);
  new SweepMetrics(registry);
  new OutsideSweepMetrics(registry);
  new GitHubMetrics(registry);
  new ProviderMetrics(registry).zero("ECSRunnerClass");
  new BucketMetrics(registry, new JobsCaught(registry));
  new RunnerRequestMetrics(registry);
  new FeedMetrics(registry);
  new CircuitMetrics(registry);
  const aws = new AwsMetrics(registry);
  new CallBudgets({ clock: systemClock, metrics: aws });
  aws.followRates(() => [{ bucket: "cluster-modify", region: "us-east-1", perSecond: 38 }]);
  new StandingMetrics(registry, { now: () => 0, leads: () => true });
  const none = (): [] => [];
  addRunnerVersionMetrics(registry, { targets: none, now: () => 0, leads: () => true });
  addReadyMetrics(registry, {
    objects: { GitHubApp: none, ECSRunnerClass: none, RunnerTarget: none },
    leads: () => true,
  });
  return registry;
}
