import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type GuardedProcess, startGuarded } from "../cluster/guard.ts";
import type { NodeCluster } from "../cluster/node.ts";

/** PodLogs follows the output of every pod of a namespace, because a pod that is gone has none any more. */
export class PodLogs {
  readonly #cluster: NodeCluster;
  readonly #namespace: string;
  readonly #directory: string;
  readonly #stop = new AbortController();
  // One follower for each start of a container; kubectl ends when the container does.
  readonly #followers = new Map<string, GuardedProcess>();
  #watching: Promise<void> | undefined;

  constructor(cluster: NodeCluster, namespace: string, directory: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#directory = join(directory, "logs");
  }

  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    this.#watching = this.#watch();
  }

  /** Everything that was printed so far, by container. */
  read(): Map<string, string> {
    if (!existsSync(this.#directory)) return new Map();
    return new Map(readdirSync(this.#directory).map((name) => [name, readFileSync(join(this.#directory, name), "utf8")]));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    await Promise.all([...this.#followers.values()].map((follower) => follower.kill()));
  }

  async #watch(): Promise<void> {
    const started = 'jsonpath={range .items[*]}{.metadata.name}{"/"}{.status.containerStatuses[0].containerID}{"\\n"}{end}';
    while (!this.#stop.signal.aborted) {
      // The API server may be away for a moment.
      const listed = await this.#cluster.kubectl(["get", "pods", "-n", this.#namespace, "-o", started]).catch(() => "");
      for (const line of listed.split("\n")) {
        const [pod = "", id = ""] = line.split(/\/(.*)/);
        if (pod !== "" && id !== "" && !this.#followers.has(line)) this.#followers.set(line, await this.#follow(pod, id));
      }
      await sleep(500, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #follow(pod: string, id: string): Promise<GuardedProcess> {
    const kubectl = [this.#cluster.kubectlPath, "--kubeconfig", this.#cluster.kubeconfig];
    const log = join(this.#directory, `${pod}.${id.slice(-12)}.log`);
    return await startGuarded([...kubectl, "logs", "-n", this.#namespace, "--follow", pod], { log });
  }
}
