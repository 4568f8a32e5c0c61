import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { Informer } from "../../src/kube/informer.ts";
import type { DeepReadonly } from "../../src/kube/object.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import type { GitHubSim } from "../sim/github/sim.ts";
import type { Journal } from "./journal.ts";

/** listenToAll writes everything that the world shows of itself into the journal. */
export function listenToAll(world: {
  github: GitHubSim;
  ecs: EcsSim;
  requests: Informer<RunnerRequest>;
  journal: Journal;
}): void {
  const { github, ecs, requests, journal } = world;
  github.listen(({ at, kind, job, runner, detail }) => {
    const source = kind.startsWith("webhook") ? "webhook" : "github";
    const words = [kind, job && `job ${job.id} "${job.name}"`, runner && `runner ${runner.name}`, detail];
    journal.note(source, words.filter((word) => word !== undefined).join(" "), at);
  });
  ecs.onChange((task) => {
    const end = task.stopCode === undefined ? "" : ` ${task.stopCode}: ${task.stoppedReason ?? ""}`;
    journal.note("ecs", `task ${task.id} (${task.group}) ${task.lastStatus}, desired ${task.desiredStatus}${end}`);
  });
  const known = new Map<string, string>();
  requests.onChange((change) => {
    if (change.type === "delete") {
      journal.note("request", `${change.old.metadata.name} is gone`);
      return;
    }
    const now = summary(change.new);
    if (known.get(change.new.metadata.name) === now) return;
    known.set(change.new.metadata.name, now);
    journal.note("request", now);
  });
}

/** summary is all of a request that decides anything, in one line. */
export function summary({ metadata, spec, status }: DeepReadonly<RunnerRequest>): string {
  const conditions = (status?.conditions ?? []).map((condition) => `${condition.type}=${condition.status}/${condition.reason}`);
  const { job, assignedJob, instance, runner } = status ?? {};
  const words = [
    `${metadata.name} v${metadata.resourceVersion ?? ""} of ${spec.targetRef.name} (${spec.source}) ${status?.phase ?? "new"}`,
    metadata.deletionTimestamp === undefined ? undefined : "being deleted",
    (metadata.finalizers ?? []).length === 0 ? "let go" : undefined,
    `attempt ${status?.attempt ?? 0}`,
    job && `job ${job.state} ${job.conclusion ?? ""} ${job.runnerName ?? ""}`.trim(),
    assignedJob && `runs ${assignedJob.id} ${assignedJob.state}`,
    runner && `runner ${runner.name} ${runner.id ?? ""}`.trim(),
    instance && `instance ${instance.providerId.split("/").at(-1)} ${instance.state}`,
    ...conditions,
  ];
  return words.filter((word) => word !== undefined).join("; ");
}
