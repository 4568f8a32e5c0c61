import { expectAllDone, queueJobs } from "../jobs.ts";
import type { Pod } from "../release.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import { until } from "../../support/until.ts";

/** loseLeader takes the leader away while it launches: the other replica goes on, and nothing is done twice. */
export async function loseLeader(stage: Stage, detail: Detail): Promise<void> {
  const { ecs, github, release } = stage;
  const leader = await release.leadingPod();
  const before = (await ecs.tasks()).length;
  // More than maxRunners: some still wait when it happens.
  const jobs = queueJobs(stage, 12, 3_000);
  // A webhook that was never answered is GitHub's to repeat; here it is about what was stored.
  await github.webhooks.settled();
  const launched = await until("the first task of the burst", 30_000, async () => {
    const count = (await ecs.tasks()).length - before;
    if (count === 0) throw new Error("there is none");
    return count;
  });
  await crash(stage, leader);
  const lostAt = Date.now();
  const next = await until("another leader", 40_000, async () => {
    const pod = await release.leadingPod();
    if (pod.metadata.uid === leader.metadata.uid) throw new Error(`${pod.metadata.name} is still there`);
    return pod.metadata.name;
  });
  const seconds = ((Date.now() - lostAt) / 1_000).toFixed(1);
  detail(`${leader.metadata.name} was killed after ${launched} of 12 launches; ${next} leads since ${seconds} s later`);
  await expectAllDone(stage, jobs, 90_000);
}

/** The process stops in the middle of an instruction and its pod is gone: it can neither finish nor give its Lease back. */
async function crash({ cluster, release }: Stage, { metadata }: Pod): Promise<void> {
  const find = `
    for process in /proc/[0-9]*; do
      grep -qE "pod($1|$(echo "$1" | tr - _))" "$process/cgroup" 2>/dev/null || continue
      [ "$(cat "$process/comm")" = pause ] || echo "\${process#/proc/}"
    done`;
  const pids = (await cluster.exec(["/bin/sh", "-c", find, "find", metadata.uid])).trim().split("\n");
  if (pids[0] === "") throw new Error(`no process of pod ${metadata.name} was found in the node`);
  await cluster.exec(["kill", "-STOP", ...pids]);
  await cluster.kubectl(["delete", "pod", metadata.name, "-n", release.namespace, "--force", "--grace-period=0", "--wait=false"]);
  await cluster.exec(["kill", "-KILL", ...pids]);
}
