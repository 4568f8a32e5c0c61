import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { type DeepReadonly, keyOf, keyText } from "../../kube/object.ts";
import { Gauge, type Registry } from "../../telemetry/metrics.ts";
import { judgeVersion } from "./runner-version.ts";

/** RunnerVersionMetricsOptions say which targets there are, and whether this process is the one to tell. */
export interface RunnerVersionMetricsOptions {
  readonly targets: () => Iterable<DeepReadonly<RunnerTarget>>;
  readonly now: () => number;
  /** Replicas that do not lead show nothing. */
  readonly leads: () => boolean;
}

const dayMs = 86_400_000;

/**
 * addRunnerVersionMetrics tells how many days GitHub still gives jobs to a target's runners. Only targets whose runners lack a release have
 * a series: people write targets, and those that need somebody are few.
 */
export function addRunnerVersionMetrics(registry: Registry, { targets, now, leads }: RunnerVersionMetricsOptions): void {
  new Gauge({
    name: "getabako_runner_version_days_left",
    help: "Days that GitHub still gives jobs to the runners of a RunnerTarget that lack a release, at most; 0 or less where it refuses them. No series where nothing is missing.",
    labelNames: ["target"],
    registers: [registry],
    collect(): void {
      this.reset();
      if (!leads()) return;
      const nowMs = now();
      for (const target of targets()) {
        const verdict = judgeVersion(target.status?.runnerVersion, nowMs);
        if (verdict?.status !== "False") continue;
        this.set({ target: keyText(keyOf(target)) }, verdict.deadlineMs === undefined ? 0 : (verdict.deadlineMs - nowMs) / dayMs);
      }
    },
  });
}
