import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Box } from "../cluster/box.ts";
import type { RunOptions } from "../cluster/run-command.ts";
import type { Engine } from "./engine.ts";
import { until } from "../support/until.ts";

/** podmanPrerequisites are what runs the tasks' containers where there is no Docker. */
export const podmanPrerequisites = [
  { command: "podman", package: "podman" },
  { command: "conmon", package: "conmon" },
  { command: "runc", package: "runc" },
  { command: "/usr/lib/cni/bridge", package: "containernetworking-plugins" },
  { command: "/usr/lib/cni/firewall", package: "containernetworking-plugins" },
  { command: "iptables", package: "iptables" },
] as const;

/** Inside the network namespace of the node or box; only it must not be one of theirs (10.213.0.0/16). */
const subnet = "10.214.0.0/24";

/**
 * startPodman serves Docker's API from inside the namespaces of a node or box: bridge, iptables rules, address leases, mounts and
 * processes live there, so that stopping it removes them all. The user's own podman is not touched: configuration, images and
 * containers are below `directory`.
 */
export async function startPodman(cluster: Pick<Box, "hostIp" | "exec">, directory: string): Promise<Engine> {
  const path = (...parts: string[]): string => join(directory, ...parts);
  for (const name of ["cni", "tmp", "graph", "run"]) await mkdir(path(name), { recursive: true });
  const socket = path("podman.sock");
  const files = {
    "containers.conf": containersConf(path),
    "storage.conf": storageConf(path),
    "registries.conf": 'unqualified-search-registries = []\nshort-name-mode = "disabled"\n',
    "policy.json": JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }),
    hosts: `127.0.0.1 localhost\n${cluster.hostIp} host.docker.internal host.containers.internal\n`,
    "cni/e2e.conflist": JSON.stringify(network, undefined, 2),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(path(name), content);
  const env = {
    ...process.env,
    CONTAINERS_CONF: path("containers.conf"),
    CONTAINERS_STORAGE_CONF: path("storage.conf"),
    CONTAINERS_REGISTRIES_CONF: path("registries.conf"),
  };
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<string> =>
    await cluster.exec(["podman", ...args], { env, ...options });

  // In the background: the first process of the namespaces adopts it.
  const service = 'exec setsid podman system service --time=0 "unix://$1" >"$2" 2>&1 </dev/null &';
  await cluster.exec(["/bin/sh", "-c", service, "podman", socket, path("service.log")], { env });
  await until("podman's Docker API", 30_000, async () => {
    await run(["--url", `unix://${socket}`, "--remote", "info"], { timeoutMs: 5_000 });
  });
  return {
    name: "podman",
    dockerHost: `unix://${socket}`,
    load: async ({ archive }) => void (await run(["load", "--quiet", "--input", archive])),
    containers: async () => await run(["ps", "--all", "--format", "{{.Names}} {{.Status}}"]),
    logs: async (name) => await run(["logs", name]),
    // Ends with the namespaces.
    close: async () => await Promise.resolve(),
  };
}

/*
 * static_dir is left alone on purpose: conmon's clean-up call would then look into another database, and containers would stay
 * "stopped" instead of "exited", which is what the emulator waits for.
 */
function containersConf(path: (...parts: string[]) => string): string {
  return `
[containers]
base_hosts_file = "${path("hosts")}"
# The usual limits cannot be raised again by a root without CAP_SYS_RESOURCE.
default_ulimits = ["nofile=20000:20000", "nproc=10000:10000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "${path("tmp")}"
[network]
network_backend = "cni"
cni_plugin_dirs = ["/usr/lib/cni"]
network_config_dir = "${path("cni")}"
default_network = "e2e"
`;
}

function storageConf(path: (...parts: string[]) => string): string {
  return `[storage]\ndriver = "overlay"\ngraphroot = "${path("graph")}"\nrunroot = "${path("run")}"\n`;
}

const network = {
  cniVersion: "0.4.0",
  name: "e2e",
  plugins: [
    {
      type: "bridge",
      bridge: "e2e0",
      isGateway: true,
      // Nobody outside the node has a route back to the subnet.
      ipMasq: true,
      ipam: { type: "host-local", routes: [{ dst: "0.0.0.0/0" }], ranges: [[{ subnet }]] },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};
