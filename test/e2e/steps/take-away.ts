import { until } from "../../support/until.ts";
import { runDocumented } from "../document.ts";
import { untilNoContainerRuns } from "../jobs.ts";
import { fillTarget } from "../load.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import type { Traces } from "./uninstall.ts";

/** takeAway runs the commands of docs/upgrading.md for an uninstall that leaves nothing, while jobs run and jobs wait. */
export async function takeAway(stage: Stage, traces: Traces, detail: Detail): Promise<void> {
  const { cluster, ecs, engine, github, helms } = stage;
  const jobs = await fillTarget(stage, 6_000);
  await runDocumented(stage, helms.helm4, "helm uninstall");
  await until("nothing left of the release", 40_000, async () => {
    const left = await traces.left();
    if (left.length > 0) throw new Error(left.join("\n"));
  });
  const kinds = (await cluster.kubectl(["api-resources", "--api-group=getabako.dev", "-o", "name"])).trim();
  if (kinds !== "") throw new Error(`kinds were left: ${kinds}`);
  const live = await ecs.live();
  if (live.length > 0) throw new Error(`tasks still live: ${live.map(({ group }) => group).join(", ")}`);
  await untilNoContainerRuns(engine);
  const registered = github.registrations().map(({ name }) => name);
  if (registered.length > 0) throw new Error(`registrations left at GitHub: ${registered.join(", ")}`);
  const done = jobs.filter(({ status }) => status === "completed");
  const failed = done.filter(({ conclusion }) => conclusion !== "success");
  if (done.length === 0 || failed.length > 0) throw new Error(`${failed.length} of ${done.length} jobs did not end well`);
  const waiting = jobs.filter(({ status }) => status === "queued").length;
  if (done.length + waiting < jobs.length) throw new Error("a job is neither done nor queued");
  detail(`${done.length} jobs were finished, ${waiting} wait at GitHub for whoever serves them next`);
}
