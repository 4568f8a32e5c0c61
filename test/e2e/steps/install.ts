import type { Detail } from "../story.ts";
import type { Stage } from "../stage.ts";

const crds = ["ecsrunnerclasses", "githubapps", "runnerrequests", "runnertargets"].map((plural) => `${plural}.getabako.dev`);

/** install puts the previous version's chart into a namespace that refuses everything but the strictest pods. */
export async function install({ cluster, helms, previous, release }: Stage, detail: Detail): Promise<void> {
  const printed = await release.install(helms.helm3, previous);
  const notes = printed.split("NOTES:\n")[1];
  if (notes === undefined) throw new Error(`helm printed no notes:\n${printed}`);
  await cluster.kubectl(["wait", "--for=condition=Established", "--timeout=10s", ...crds.map((name) => `crd/${name}`)]);
  const pods = await release.pods();
  const ready = pods.filter(({ status }) => status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"));
  if (ready.length !== 2) throw new Error(`${ready.length} of ${pods.length} pods are ready, 2 wanted`);
  detail(notes.trim().split("\n")[0] ?? "");
}
