import type { KubeObject } from "./objects.ts";
import type { Stage } from "./stage.ts";

/** apply applies objects as a person would. */
export async function apply({ cluster }: Stage, objects: readonly KubeObject[]): Promise<string> {
  return await cluster.kubectl(["apply", "-f", "-"], { input: objects.map((object) => JSON.stringify(object)).join("\n---\n") });
}

/** getObject reads one object. */
export async function getObject<T>({ cluster }: Stage, kind: string, name: string, namespace: string): Promise<T> {
  return JSON.parse(await cluster.kubectl(["get", kind, name, "-n", namespace, "-o", "json"])) as T;
}

/** listedKinds are all kinds of the cluster that can be listed, by kubectl's names. */
export async function listedKinds({ cluster }: Stage, namespaced: boolean): Promise<string[]> {
  const args = ["api-resources", "--verbs=list", `--namespaced=${namespaced}`, "--output=name"];
  return (await cluster.kubectl(args)).trim().split("\n");
}

/** objectNames lists every object of a namespace as kind/name, but for what comes and goes by itself. */
export async function objectNames(stage: Stage, namespace: string): Promise<string[]> {
  const kinds = (await listedKinds(stage, true)).filter((kind) => !kind.startsWith("events"));
  const names = await stage.cluster.kubectl(["get", kinds.join(","), "-n", namespace, "--ignore-not-found", "-o", "name"]);
  return names.split("\n").filter((name) => name !== "");
}
