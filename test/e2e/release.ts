import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeCluster } from "../cluster/node.ts";
import { until } from "../support/until.ts";

const chart = fileURLToPath(new URL("../../charts/getabako", import.meta.url));

/** Pod is what the story looks at in a pod. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Release is the chart as one installs it. */
export class Release {
  readonly name = "getabako";
  readonly namespace = "getabako-system";
  readonly selector = `app.kubernetes.io/instance=${this.name}`;
  readonly #cluster: NodeCluster;
  readonly #values: Record<string, unknown>;
  readonly #file: string;

  constructor(cluster: NodeCluster, directory: string, values: Record<string, unknown>) {
    this.#cluster = cluster;
    this.#values = values;
    this.#file = join(directory, "values.json");
  }

  /** Returns what helm printed, the notes included. */
  async install(): Promise<string> {
    await writeFile(this.#file, JSON.stringify(this.#values));
    return await this.#helm("install", this.name, chart, "--values", this.#file, ...wait);
  }

  async upgrade(changed: Record<string, unknown>): Promise<string> {
    const file = `${this.#file}.changed`;
    await writeFile(file, JSON.stringify(changed));
    return await this.#helm("upgrade", this.name, chart, "--reuse-values", "--values", file, ...wait);
  }

  async test(): Promise<string> {
    return await this.#helm("test", this.name, "--timeout", "60s");
  }

  async uninstall(): Promise<string> {
    return await this.#helm("uninstall", this.name, ...wait);
  }

  /** The operator's pods that are not on their way out. */
  async pods(): Promise<Pod[]> {
    const selector = `${this.selector},app.kubernetes.io/component=operator`;
    const list = await this.#cluster.kubectl(["get", "pods", "-n", this.namespace, "-l", selector, "-o", "json"]);
    return (JSON.parse(list) as { items: Pod[] }).items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** The name of the pod that leads. */
  async leader(): Promise<string> {
    const holder = "jsonpath={.spec.holderIdentity}";
    return await this.#cluster.kubectl(["get", "lease", this.name, "-n", this.namespace, "-o", holder]);
  }

  /** The leader as a pod that runs: a Lease may still name one that is gone. */
  async leadingPod(): Promise<Pod> {
    return await until("a leader", 40_000, async () => {
      const [leader, pods] = await Promise.all([this.leader(), this.pods()]);
      const pod = pods.find(({ metadata }) => metadata.name === leader);
      if (pod === undefined)
        throw new Error(`the Lease names "${leader}", and there are ${pods.map((one) => one.metadata.name).join(", ")}`);
      return pod;
    });
  }

  async #helm(...args: readonly string[]): Promise<string> {
    return await this.#cluster.helm([...args, "--namespace", this.namespace], { timeoutMs: 200_000 });
  }
}

const wait = ["--wait", "--timeout", "180s"];
