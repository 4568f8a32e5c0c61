import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { apiRequest } from "./api-request.ts";
import { makeCgroup } from "./cgroup.ts";
import { type GuardedProcess, type Janitor, startGuarded, startJanitor } from "./guard.ts";
import type { NodeCluster, Report } from "./node.ts";
import { nodeFiles, type Snapshotter } from "./node-config.ts";
import { networkCount, nodeNetwork, type NodeNetwork } from "./node-network.ts";
import { writeCertificates } from "./node-pki.ts";
import { type RunOptions, runCommand, tryCommand } from "./run-command.ts";

const initScript = fileURLToPath(new URL("node-init.sh", import.meta.url));
const cleanupScript = fileURLToPath(new URL("node-cleanup.sh", import.meta.url));
const readyTimeoutMs = 180_000;

/** namespaces are a command's own: stopping is one SIGKILL, and several clusters run side by side with default ports. */
export const namespaces = [
  ...["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=KILL"],
  ...["--mount-proc", "--propagation", "private"],
];

/** startOwnNode runs the programs of the own build, containerd and runc as a one-node cluster; Linux, root. */
export async function startOwnNode({ binaries, report }: { binaries: string; report: Report }): Promise<NodeCluster> {
  const startedAt = Date.now();
  const state = await mkdtemp(join(tmpdir(), "getabako-node-"));
  // Pods of any user look up paths below it.
  await chmod(state, 0o711);
  const network = await reserveNetwork();
  // From here on something is left outside the namespaces: armed before it is made.
  const janitor = startJanitor(["/bin/sh", cleanupScript, state, network.link, network.cgroup]);
  const node = new OwnNode(state, binaries, network, janitor);
  try {
    await node.start();
  } catch (error) {
    await node.stop();
    throw error;
  }
  report(
    `node: ${node.way}, ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s, host ${node.hostIp}, node ${node.nodeIp}`,
  );
  return node;
}

class OwnNode implements NodeCluster {
  readonly way: string;
  readonly kubeconfig: string;
  readonly kubectlPath: string;
  readonly helmPath: string;
  readonly #state: string;
  readonly #binaries: string;
  readonly #network: NodeNetwork;
  readonly #janitor: Janitor;
  // The unshare process; its only child is PID 1 of the namespaces and dies with it.
  #unshare: GuardedProcess | undefined;

  constructor(state: string, binaries: string, network: NodeNetwork, janitor: Janitor) {
    this.way = `single node in namespaces of its own (${binaries})`;
    this.kubeconfig = join(state, "admin.conf");
    this.kubectlPath = join(binaries, "kubectl");
    this.helmPath = join(binaries, "helm");
    this.#state = state;
    this.#binaries = binaries;
    this.#network = network;
    this.#janitor = janitor;
  }

  get hostIp(): string {
    return this.#network.hostIp;
  }

  get nodeIp(): string {
    return this.#network.nodeIp;
  }

  async start(): Promise<void> {
    const { nodeName, nodeIp, hostIp, cgroup } = this.#network;
    for (const name of ["pki", "log", "pid", "bin", "cni", "component", "containerd", "images", "kubelet", "etcd"]) {
      await mkdir(join(this.#state, name), { mode: name === "pki" || name === "etcd" ? 0o700 : 0o755 });
    }
    await writeCertificates(this.#state, this.#network);
    for (const [path, content] of Object.entries(nodeFiles(this.#network, await snapshotterFor(this.#state)))) {
      const file = join(this.#state, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    // Modules cannot be loaded from inside; where there is no modprobe for this kernel they are built in.
    for (const module of ["overlay", "br_netfilter"]) await tryCommand("modprobe", ["-q", module]);
    await makeCgroup(cgroup);
    this.#unshare = await startGuarded(
      [...namespaces, "/bin/sh", initScript, this.#state, this.#binaries, nodeName, nodeIp, hostIp],
      {
        log: join(this.#state, "log", "init.log"),
      },
    );
    await this.#connect();
    const until = Date.now() + readyTimeoutMs;
    const server = { server: `https://${nodeIp}:6443`, certificateAuthorityFile: join(this.#state, "pki", "ca.crt") };
    await this.#until("the API server", until, async () => {
      const answer = await apiRequest(server, { path: "/readyz", timeoutMs: 2_000 });
      return answer.status === 200;
    });
    await writeFile(join(this.#state, "api-ready"), "");
    await this.kubectl(["apply", "-f", join(this.#state, "addons.yaml")]);
    await this.#until(
      "the pause image",
      until,
      async () => await this.loadImage(join(this.#binaries, "pause.tar")).then(() => true),
    );
    await this.#until("the node", until, async () => await this.#isNodeReady());
  }

  async loadImage(archive: string): Promise<void> {
    await runCommand("ctr", [
      "-a",
      join(this.#state, "containerd", "containerd.sock"),
      "-n",
      "k8s.io",
      "images",
      "import",
      archive,
    ]);
  }

  async kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return await runCommand(this.kubectlPath, ["--kubeconfig", this.kubeconfig, ...args], options);
  }

  async helm(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return await runCommand(this.helmPath, ["--kubeconfig", this.kubeconfig, ...args], options);
  }

  async exec(command: readonly string[], options: RunOptions = {}): Promise<string> {
    return await runCommand("nsenter", ["-t", String(await this.#initPid()), "-a", "--", ...command], options);
  }

  async auditLog(): Promise<string> {
    return await readFile(join(this.#state, "log", "audit.log"), "utf8").catch(() => "");
  }

  async stop(): Promise<void> {
    await this.#unshare?.kill();
    await this.#janitor.run();
  }

  /** Moves the other end of the veth pair inside, and leads the host's packets for pods and Services there. */
  async #connect(): Promise<void> {
    const { link, hostIp, nodeIp, podSubnet, serviceSubnet } = this.#network;
    await runCommand("ip", ["link", "set", `${link}p`, "netns", String(await this.#initPid()), "name", "eth0"]);
    await runCommand("ip", ["addr", "add", `${hostIp}/30`, "dev", link]);
    await runCommand("ip", ["link", "set", link, "up"]);
    const until = Date.now() + 10_000;
    for (const subnet of [podSubnet, serviceSubnet]) {
      // Not before the other end is up.
      const route = ["route", "add", subnet, "via", nodeIp];
      await this.#until(`the route to ${subnet}`, until, async () => (await tryCommand("ip", route)).code === 0);
    }
  }

  async #initPid(): Promise<number> {
    const unshare = this.#unshare;
    if (unshare === undefined || unshare.hasExited) throw new Error("the node does not run");
    let pid = Number.NaN;
    await this.#until("the node's first process", Date.now() + 10_000, async () => {
      pid = Number.parseInt(await readFile(`/proc/${unshare.pid}/task/${unshare.pid}/children`, "utf8"), 10);
      return Number.isInteger(pid);
    });
    return pid;
  }

  /** Pods can be made once the node is Ready, has lost its taint, and the default ServiceAccount exists. */
  async #isNodeReady(): Promise<boolean> {
    const kubectl = ["--kubeconfig", this.kubeconfig];
    const { nodeName } = this.#network;
    const ready = '{.status.conditions[?(@.type=="Ready")].status}{.spec.taints}';
    const node = await tryCommand(this.kubectlPath, [...kubectl, "get", "node", nodeName, "-o", `jsonpath=${ready}`]);
    if (node.stdout !== "True") return false;
    return (await tryCommand(this.kubectlPath, [...kubectl, "get", "serviceaccount", "default"])).code === 0;
  }

  async #until(what: string, until: number, done: () => Promise<boolean>): Promise<void> {
    for (;;) {
      if (await done().catch(() => false)) return;
      const ended = this.#unshare?.hasExited === true;
      if (ended || Date.now() > until) {
        throw new Error(
          `${what} of the single-node cluster ${ended ? "ended" : "is not ready in time"}:\n${await this.#lastWords()}`,
        );
      }
      await sleep(100);
    }
  }

  async #lastWords(): Promise<string> {
    const directory = join(this.#state, "log");
    if (!existsSync(directory)) return "no logs";
    const files = (await readdir(directory)).filter((file) => file !== "audit.log");
    const tails = await Promise.all(
      files.map(async (file) => {
        const text = await readFile(join(directory, file), "utf8").catch(() => "");
        return `== ${file}\n${text.trim().split("\n").slice(-4).join("\n")}`;
      }),
    );
    return tails.join("\n");
  }
}

/** reserveNetwork makes a veth pair, which reserves the number: the kernel refuses a second link of that name. */
export async function reserveNetwork(): Promise<NodeNetwork> {
  for (let number = 0; number < networkCount; number++) {
    const network = nodeNetwork(number);
    const made = await tryCommand("ip", ["link", "add", network.link, "type", "veth", "peer", "name", `${network.link}p`]);
    if (made.code === 0) return network;
    if (!made.stderr.includes("File exists")) throw new Error(`no veth pair can be made: ${made.stderr.trim()}`);
  }
  throw new Error(`no free network: ${networkCount} clusters run already, or links named gbkN were left behind (ip link)`);
}

/** overlayfs does not stack on every file system, least of all on itself: one try tells. */
async function snapshotterFor(state: string): Promise<Snapshotter> {
  const directory = await mkdtemp(join(state, "overlay-"));
  const [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map((name) => join(directory, name));
  for (const path of [lower, upper, work, merged]) await mkdir(path ?? "");
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  const mounted = await tryCommand("mount", ["-t", "overlay", "overlay", "-o", options, merged ?? ""]);
  if (mounted.code !== 0) return "native";
  await runCommand("umount", [merged ?? ""]);
  return "overlayfs";
}
