import { randomBytes } from "node:crypto";
import { chmod, mkdtemp } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildKubebox } from "./build.ts";
import type { Engine } from "./choose-node.ts";
import { Go } from "./go.ts";
import { startJanitor } from "./guard.ts";
import { findOnPath } from "./locate.ts";
import type { NodeCluster, Report } from "./node.ts";
import { runCommand } from "./run-command.ts";
import { cacheDirectory } from "./versions.ts";

/*
 * The node as a kind cluster. Honesty first: this path was written from kind's documentation and checked as far as that
 * goes without a container engine (choice, arguments, installing kind); no cluster was started with it yet.
 */

/** kindVersion is installed where kind is missing. */
export const kindVersion = "v0.33.0";

/** kindImage has the same minor version of Kubernetes as the own build. */
export const kindImage = "kindest/node:v1.36.1@sha256:3489c7674813ba5d8b1a9977baea8a6e553784dab7b84759d1014dbd78f7ebd5";

/** createArguments: an own kubeconfig, or kind edits the one of the user. */
export function createArguments(name: string, kubeconfig: string): string[] {
  return ["create", "cluster", "--name", name, "--image", kindImage, "--wait", "180s", "--kubeconfig", kubeconfig];
}

/** startKindNode creates a cluster with one node in a container. */
export async function startKindNode(options: { engine: Engine; kind: string | undefined; report: Report }): Promise<NodeCluster> {
  const { engine, report } = options;
  const kind = options.kind ?? (await installKind(report));
  const env = { ...process.env, KIND_EXPERIMENTAL_PROVIDER: engine };
  const name = `getabako-${randomBytes(3).toString("hex")}`;
  const directory = await mkdtemp(join(tmpdir(), "getabako-kind-"));
  const kubeconfig = join(directory, "kubeconfig");
  const janitor = startJanitor([
    "/bin/sh",
    "-c",
    'KIND_EXPERIMENTAL_PROVIDER="$1" "$2" delete cluster --name "$3"; rm -rf "$4"',
    "kind",
    ...[engine, kind, name, directory],
  ]);
  try {
    report(`kind: creating cluster ${name} with ${engine}; the first time it downloads ${kindImage.replace(/@.*/, "")}`);
    const startedAt = Date.now();
    const progress = setInterval(() => report(`kind: ${Math.round((Date.now() - startedAt) / 1000)} s`), 15_000);
    await runCommand(kind, createArguments(name, kubeconfig), { env, timeoutMs: 900_000 }).finally(() => clearInterval(progress));
    await chmod(kubeconfig, 0o600);
    const tools = await clientTools(report);
    const node = `${name}-control-plane`;
    const run = async (command: string, args: readonly string[], more = {}): Promise<string> =>
      await runCommand(command, args, { env, ...more });
    const internalIp = '{.status.addresses[?(@.type=="InternalIP")].address}';
    const nodeIp = await run(tools.kubectl, ["--kubeconfig", kubeconfig, "get", "node", node, "-o", `jsonpath=${internalIp}`]);
    return {
      way: `kind ${name} (${engine})`,
      kubeconfig,
      kubectlPath: tools.kubectl,
      helmPath: tools.helm,
      nodeIp: firstIpv4(nodeIp),
      hostIp: await hostAddress(engine, node, run),
      loadImage: async (archive) => void (await run(kind, ["load", "image-archive", archive, "--name", name])),
      kubectl: async (args, more) => await run(tools.kubectl, ["--kubeconfig", kubeconfig, ...args], more),
      helm: async (args, more) => await run(tools.helm, ["--kubeconfig", kubeconfig, ...args], more),
      exec: async (command, more) => await run(engine, ["exec", "-i", node, ...command], more),
      auditLog: async () => await Promise.resolve(""),
      stop: async () => await janitor.run(),
    };
  } catch (error) {
    await janitor.run();
    throw error;
  }
}

/** Where engines run in a virtual machine (macOS), the gateway is that machine and not this one: the engine has a name for us. */
async function hostAddress(
  engine: Engine,
  node: string,
  run: (command: string, args: readonly string[]) => Promise<string>,
): Promise<string> {
  if (process.platform !== "linux") {
    const name = engine === "podman" ? "host.containers.internal" : "host.docker.internal";
    return firstIpv4(await run(engine, ["exec", node, "getent", "ahostsv4", name]));
  }
  return firstIpv4(await run(engine, ["exec", node, "ip", "-4", "route", "show", "default"]));
}

/** firstIpv4 finds the address in what tools print around it. */
export function firstIpv4(text: string): string {
  const match = /\b\d{1,3}(?:\.\d{1,3}){3}\b/.exec(text);
  if (match === null) throw new Error(`no IPv4 address in "${text.trim()}"`);
  return match[0];
}

/** kubectl and helm of this machine, else those of the own build. */
async function clientTools(report: Report): Promise<{ kubectl: string; helm: string }> {
  const [kubectl, helm] = [findOnPath("kubectl"), findOnPath("helm")];
  if (kubectl !== undefined && helm !== undefined) return { kubectl, helm };
  report(`${kubectl === undefined ? "kubectl" : "helm"} is not on PATH: the own build has it`);
  const directory = await buildKubebox({ report });
  return { kubectl: kubectl ?? join(directory, "kubectl"), helm: helm ?? join(directory, "helm") };
}

/** installKind builds kind into the user's cache. */
export async function installKind(report: Report, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const directory = join(cacheDirectory(env), "kind", kindVersion);
  const file = join(directory, "kind");
  if (existsSync(file)) return file;
  const go = await Go.find(env);
  report(`installing kind ${kindVersion} into ${directory}`);
  await go.install(`sigs.k8s.io/kind@${kindVersion}`, directory);
  return file;
}
