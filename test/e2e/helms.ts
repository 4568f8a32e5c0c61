import { join } from "node:path";
import { buildKubebox } from "../cluster/build.ts";
import { installHelm3 } from "../cluster/helm-3.ts";
import { runCommand } from "../cluster/run-command.ts";

/** Helm is one major of the program. */
export interface Helm {
  readonly name: "Helm 3" | "Helm 4";
  readonly path: string;
}

/** Helms are the two that the chart is for. */
export interface Helms {
  readonly helm3: Helm;
  readonly helm4: Helm;
}

/** findHelms: the cluster's own helm may be of either major where it came from PATH; the own builds fill the gap. */
export async function findHelms(ofCluster: string, report: (line: string) => void): Promise<Helms> {
  const found = await major(ofCluster);
  const path3 = found === 3 ? ofCluster : await installHelm3(report);
  const path4 = found === 4 ? ofCluster : join(await buildKubebox({ report }), "helm");
  return { helm3: await checked({ name: "Helm 3", path: path3 }), helm4: await checked({ name: "Helm 4", path: path4 }) };
}

/** TEST_HELM3 may name anything. */
async function checked(helm: Helm): Promise<Helm> {
  if (`Helm ${await major(helm.path)}` !== helm.name) throw new Error(`${helm.path} is not ${helm.name}`);
  return helm;
}

async function major(path: string): Promise<number> {
  return Number(/^v(\d+)\./.exec(await runCommand(path, ["version", "--template", "{{.Version}}"]))?.[1]);
}
