import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NodeCluster } from "../cluster/node.ts";
import { runCommand } from "../cluster/run-command.ts";
import type { Helm } from "./helms.ts";
import type { OperatorImage } from "./operator-image.ts";
import { until } from "../support/until.ts";

/** ChartVersion is a chart and the image that goes with it. */
export interface ChartVersion {
  /** In words: a tag, a commit, or "this version". */
  readonly name: string;
  /** The chart's directory. */
  readonly chart: string;
  readonly image: OperatorImage;
}

/** Pod is what the story looks at in a pod. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

type Values = Readonly<Record<string, unknown>>;

/** Release is the chart as one installs it, with the one or the other helm. */
export class Release {
  readonly name = "getabako";
  readonly namespace = "getabako-system";
  readonly selector = `app.kubernetes.io/instance=${this.name}`;
  readonly #cluster: NodeCluster;
  readonly #values: Values;
  readonly #file: string;

  constructor(cluster: NodeCluster, directory: string, values: Values) {
    this.#cluster = cluster;
    this.#values = values;
    this.#file = join(directory, "values.json");
  }

  /** Returns what helm printed, the notes included. */
  async install(helm: Helm, version: ChartVersion, changed: Values = {}): Promise<string> {
    return await this.#apply(helm, "install", version, changed);
  }

  /** As the chart's README has it: with the values given again. */
  async upgrade(helm: Helm, version: ChartVersion, changed: Values = {}): Promise<string> {
    return await this.#apply(helm, "upgrade", version, changed);
  }

  /** To the revision before. */
  async rollback(helm: Helm): Promise<string> {
    return await this.#helm(helm, "rollback", this.name, ...wait);
  }

  async test(helm: Helm): Promise<string> {
    return await this.#helm(helm, "test", this.name, "--timeout", "60s");
  }

  async uninstall(helm: Helm): Promise<string> {
    return await this.#helm(helm, "uninstall", this.name, ...wait);
  }

  async #apply(helm: Helm, command: "install" | "upgrade", version: ChartVersion, changed: Values): Promise<string> {
    const { repository, tag } = version.image;
    const image = { repository, tag, pullPolicy: "Never" };
    await writeFile(this.#file, JSON.stringify({ ...this.#values, image, ...changed }));
    return await this.#helm(helm, command, this.name, version.chart, "--values", this.#file, ...wait);
  }

  /** The operator's pods that are not on their way out. */
  async pods(): Promise<Pod[]> {
    const selector = `${this.selector},app.kubernetes.io/component in (operator,intake,controller)`;
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

  async #helm({ path }: Helm, ...args: readonly string[]): Promise<string> {
    const where = ["--kubeconfig", this.#cluster.kubeconfig, "--namespace", this.namespace];
    return await runCommand(path, [...args, ...where], { timeoutMs: 200_000 });
  }
}

const wait = ["--wait", "--timeout", "180s"];
