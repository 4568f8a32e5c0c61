import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { vi } from "vitest";
import { doctor, type Parts } from "../../src/cli/doctor/command.ts";
import type { Report } from "../../src/cli/doctor/report.ts";
import { explain } from "../../src/cli/explain/command.ts";
import { Cluster } from "../../src/kube/cluster.ts";
import { KubeMetrics } from "../../src/kube/metrics.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import type { OpenEcsSender } from "../../src/provider/ecs/clients.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { Registry } from "../../src/telemetry/metrics.ts";
import { only, render, type Rendered } from "../chart/helm.ts";
import { kubeconfigText } from "../cluster/components.ts";
import type { ControlPlane } from "../cluster/control-plane.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import { ours } from "./objects.ts";
import { namespace, paths } from "./places.ts";
import { startOperator } from "../support/operator.ts";
import { kubectlOf } from "../support/kubectl.ts";
import { ownControlPlane } from "../support/test-cluster.ts";

/** Loose is what JSON.parse gives: faults write what they please. */
export type Loose = ReturnType<typeof JSON.parse>;

/** Draft is an object that a fault may change in any way, also in ways that its kind would not allow. */
export type Draft = KubeObject & { spec?: Loose; status?: Loose; data?: Loose; rules?: Loose };

/** Printed is what a command printed, and how it ended. */
export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Stage is a cluster with a healthy installation, whose operator has looked at everything and stands still, with simulated GitHub and ECS. */
export interface Stage {
  readonly github: GitHubSim;
  readonly ecs: EcsSim;
  readonly kubeconfig: string;
  /** A kubeconfig with the rights of the operator's service account, as in its pod. */
  readonly podKubeconfig: string;
  /** What the operator's address answers to a webhook; 202 for a healthy one. */
  readonly receiving: { status: number };
  /** Everything that was printed so far, for searches that must find nothing. */
  readonly printed: readonly string[];
  readonly openSender: OpenEcsSender;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  get(path: string): Promise<Draft>;
  /** Changes an object; restore() changes it back. */
  edit(path: string, change: (draft: Draft) => void): Promise<void>;
  /** Makes an object, with a status; restore() removes it. */
  make(collection: string, object: Draft): Promise<void>;
  remove(path: string): Promise<void>;
  /** Has something done when the fault is over. */
  later(undo: () => unknown): void;
  /** Takes back whatever was changed, the newest change first. */
  restore(): Promise<void>;
  /** Whether the pods of the operator are Ready. */
  podsReady(isReady: boolean): Promise<void>;
  /** Sends a webhook, as a job does. */
  deliver(): Promise<void>;
  doctor(args?: readonly string[], more?: Parts & { readonly env?: Readonly<Record<string, string>> }): Promise<Printed>;
  /** The same with --output json, read. */
  report(args?: readonly string[], parts?: Parts): Promise<Report>;
  explain(args: readonly string[]): Promise<Printed>;
  /** Writes a kubeconfig for a user with a token; it goes with the stage. */
  kubeconfigOf(token: string, server?: string): Promise<string>;
  stop(): Promise<void>;
}

/** startStage makes one; it takes an API server of its own, since some faults concern the whole cluster. */
export async function startStage(): Promise<Stage> {
  const plane = await ownControlPlane();
  const kubectl = kubectlOf(plane);
  const ecs = await startEcsSim();
  const github = await startGitHubSim({ refuseReplayedJwt: true });
  const receiving = { status: 202 };
  const receiver = await listen(() => receiving.status);
  github.addOrganization("acme");
  github.addRepository("acme/web", { private: true });
  github.install("acme");
  github.setReceivers([addressOf(receiver)]);

  const objects = await render({ namespace, values: { watchNamespace: namespace } });
  await kubectl(["create", "namespace", namespace]);
  await kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: installed(objects) }));
  await podsReady(kubectl, plane.hasControllerManager, true);
  await kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: ours(github, ecs) }));
  await settle(plane, ecs, kubectl);
  // As it is after the first runner: doctor asks what version connected, and none has.
  const runnerVersion = { connected: "2.336.0", releases: [{ version: "2.336.0", seenAt: "2026-10-01T00:00:00Z" }] };
  const current = JSON.stringify({ status: { runnerVersion } });
  await kubectl(["patch", "rt", "acme", "-n", namespace, "--subresource=status", "--type=merge", "-p", current]);

  const directory = await mkdtemp(join(tmpdir(), "getabako-cli-"));
  const token = (await kubectl(["create", "token", only(objects, "ServiceAccount").metadata.name, "-n", namespace])).trim();
  const podKubeconfig = await writeKubeconfig(directory, plane, token);

  const cluster = Cluster.load({ kubeconfig: plane.kubeconfig, log: silentLogger(), metrics: new KubeMetrics(new Registry()) });
  const stage = new LiveStage({ plane, receiving, cluster, kubectl, github, ecs, receiver, podKubeconfig, directory });
  await stage.deliver();
  return stage;
}

class LiveStage implements Stage {
  readonly github: GitHubSim;
  readonly ecs: EcsSim;
  readonly kubeconfig: string;
  readonly podKubeconfig: string;
  readonly kubectl: Stage["kubectl"];
  readonly printed: string[] = [];
  readonly receiving: { status: number };
  readonly #parts: { plane: ControlPlane; cluster: Cluster; receiver: Server; directory: string };
  readonly #undos: (() => unknown)[] = [];

  constructor(parts: {
    plane: ControlPlane;
    cluster: Cluster;
    kubectl: Stage["kubectl"];
    github: GitHubSim;
    ecs: EcsSim;
    receiver: Server;
    receiving: { status: number };
    podKubeconfig: string;
    directory: string;
  }) {
    this.#parts = parts;
    this.github = parts.github;
    this.receiving = parts.receiving;
    this.ecs = parts.ecs;
    this.kubeconfig = parts.plane.kubeconfig;
    this.podKubeconfig = parts.podKubeconfig;
    this.kubectl = parts.kubectl;
  }

  readonly openSender: OpenEcsSender = async ({ region, endpoint }) => {
    const sdk = await import("@aws-sdk/client-ecs");
    const config = { ...this.ecs.clientConfig, region, ...(endpoint !== undefined && { endpoint }), maxAttempts: 1 };
    return { sdk, client: new sdk.ECSClient(config) };
  };

  async get(where: string): Promise<Draft> {
    return (await this.#call("GET", where)) as Draft;
  }

  async edit(where: string, change: (draft: Draft) => void): Promise<void> {
    const original = await this.get(where);
    const draft = structuredClone(original);
    change(draft);
    this.later(() => this.#put(where, original));
    await this.#put(where, draft);
  }

  async make(collection: string, object: Draft): Promise<void> {
    const made = (await this.#call("POST", collection, object)) as Draft;
    const where = `${collection}/${made.metadata.name}`;
    if (object.status !== undefined) await this.#put(where, object);
    this.later(async () => {
      const there = await this.get(where).catch(() => undefined);
      if (there === undefined) return;
      await this.#call("PUT", where, { ...there, metadata: { ...there.metadata, finalizers: [] } });
      // What was being deleted is gone with its finalizer.
      if (there.metadata.deletionTimestamp === undefined) await this.#call("DELETE", where);
    });
  }

  async remove(where: string): Promise<void> {
    const original = await this.get(where);
    await this.#call("DELETE", where);
    this.later(() => {
      const { resourceVersion: _version, uid: _uid, ...metadata } = original.metadata;
      return this.#call("POST", where.slice(0, where.lastIndexOf("/")), { ...original, metadata });
    });
  }

  later(undo: () => unknown): void {
    this.#undos.push(undo);
  }

  async restore(): Promise<void> {
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) await undo();
  }

  podsReady(isReady: boolean): Promise<void> {
    return podsReady(this.kubectl, this.#parts.plane.hasControllerManager, isReady);
  }

  async deliver(): Promise<void> {
    const job = this.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"] });
    await this.github.webhooks.settled();
    this.github.cancelJob(job.id);
    await this.github.webhooks.settled();
  }

  async doctor(args: readonly string[] = [], more: Parameters<Stage["doctor"]>[1] = {}): Promise<Printed> {
    // The operator stands still; its Lease is as if it did not, unless a fault has written it.
    if (this.#undos.length === 0) await this.#renew();
    const { env = {}, ...parts } = more;
    const connection = args.includes("--kubeconfig") ? [] : ["--kubeconfig", this.kubeconfig];
    return this.#print((output) => doctor([...connection, ...args], { output, env }, { openSender: this.openSender, ...parts }));
  }

  async report(args: readonly string[] = [], parts: Parts = {}): Promise<Report> {
    const { out, err } = await this.doctor([...args, "--output", "json"], parts);
    if (out === "") throw new Error(`doctor printed nothing: ${err}`);
    return JSON.parse(out) as Report;
  }

  explain(args: readonly string[]): Promise<Printed> {
    return this.#print((output) => explain(["--kubeconfig", this.kubeconfig, ...args], { output, env: {} }));
  }

  kubeconfigOf(token: string, server?: string): Promise<string> {
    return writeKubeconfig(this.#parts.directory, this.#parts.plane, token, server);
  }

  async stop(): Promise<void> {
    await this.#parts.cluster.close();
    await this.github.close();
    await this.ecs.close();
    this.#parts.receiver.closeAllConnections();
    this.#parts.receiver.close();
    await this.#parts.plane.stop();
    await rm(this.#parts.directory, { recursive: true, force: true });
  }

  async #print(run: (output: Parameters<typeof doctor>[1]["output"]) => Promise<number>): Promise<Printed> {
    const texts = { out: "", err: "" };
    const output = {
      out: (text: string) => void (texts.out += text),
      err: (text: string) => void (texts.err += text),
      live: false,
      colours: false,
    };
    const code = await run(output);
    this.printed.push(texts.out, texts.err);
    return { code, ...texts };
  }

  async #renew(): Promise<void> {
    const lease = await this.get(paths.lease);
    const now = new Date().toISOString().replace("Z", "000Z");
    await this.#call("PUT", paths.lease, { ...lease, spec: { ...lease.spec, renewTime: now } });
  }

  /** Writes an object and its status; what the operator said of the newest spec before, it says of this one. */
  async #put(where: string, object: Draft): Promise<void> {
    const { resourceVersion } = (await this.get(where)).metadata;
    const written = (await this.#call("PUT", where, { ...object, metadata: { ...object.metadata, resourceVersion } })) as Draft;
    if (object.status === undefined || !where.includes("/getabako.dev/")) return;
    const generation = written.metadata.generation;
    const conditions = object.status.conditions?.map((condition: object) =>
      where.includes("runnerrequests") ? condition : { ...condition, observedGeneration: generation },
    );
    const status = { ...object.status, ...(conditions !== undefined && { conditions }) };
    await this.#call("PUT", `${where}/status`, { ...written, status });
  }

  #call(method: "GET" | "POST" | "PUT" | "DELETE", where: string, body?: unknown): Promise<unknown> {
    return this.#parts.cluster.call({ method, path: where, doing: `${method} ${where}`, ...(body !== undefined && { body }) });
  }
}

/** podsReady has the pods of the operator's Deployment be Ready, or not: nothing runs them here. */
async function podsReady(kubectl: Stage["kubectl"], controlled: boolean, isReady: boolean): Promise<void> {
  const patch = (what: string, status: object): Promise<string> =>
    kubectl(["patch", what, "-n", namespace, "--subresource=status", "--type=merge", "-p", JSON.stringify({ status })]);
  const conditions = [{ type: "Ready", status: isReady ? "True" : "False" }];
  await vi.waitFor(
    async () => {
      const deployment = JSON.parse(await kubectl(["get", "deploy", "getabako", "-n", namespace, "-o", "json"])) as Draft;
      const wanted = isReady ? Number(deployment.spec?.replicas) : 0;
      if ((deployment.status?.readyReplicas ?? 0) === wanted) return;
      if (controlled) {
        const pods = (await kubectl(["get", "pods", "-n", namespace, "-o", "name"])).split("\n").filter((name) => name !== "");
        await Promise.all(pods.map((pod) => patch(pod, { phase: "Running", conditions })));
      } else {
        await patch("deploy/getabako", { replicas: wanted, readyReplicas: wanted });
      }
      throw new Error("the Deployment has not heard of it yet");
    },
    { timeout: 30_000, interval: 200 },
  );
}

/** Runs the operator until it has looked at everything, and then no more. */
async function settle(plane: ControlPlane, ecs: EcsSim, kubectl: Stage["kubectl"]): Promise<void> {
  const { accessKeyId, secretAccessKey } = ecs.clientConfig.credentials;
  const operator = await startOperator({
    kubeconfig: plane.kubeconfig,
    namespace,
    identity: "getabako-7d9c5b6f4d-x2x4z",
    args: ["--watch-namespace", namespace, "--lease-name", "getabako"],
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
  });
  try {
    await vi.waitFor(
      async () => {
        const list = JSON.parse(await kubectl(["get", "gha,ecsrc,rt", "-n", namespace, "-o", "json"])) as { items: Draft[] };
        for (const { kind, status } of list.items) {
          const ready = status?.conditions?.find(({ type }: { type: string }) => type === "Ready");
          if (ready?.status !== "True") throw new Error(`${kind} is not Ready: ${ready?.reason}: ${ready?.message}`);
        }
      },
      { timeout: 40_000, interval: 200 },
    );
  } finally {
    // Not stopped: it would give its Lease up.
    await operator.kill();
  }
}

function installed(objects: readonly Rendered[]): Rendered[] {
  const kinds = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Deployment", "Lease"];
  return objects.filter(({ kind }) => kinds.includes(kind));
}

async function listen(status: () => number): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const isHere = request.url === "/webhook";
      response
        .writeHead(request.method === "POST" ? status() : isHere ? 405 : 404, { "content-type": "application/json" })
        .end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`;
}

async function writeKubeconfig(directory: string, plane: ControlPlane, token: string, server = plane.server): Promise<string> {
  const authority =
    plane.servingCertificate === undefined ? undefined : await readFile(plane.servingCertificate.certificate, "utf8");
  const file = join(directory, `${randomUUID()}.kubeconfig`);
  const text = kubeconfigText({ server, user: { token }, ...(authority !== undefined && { certificateAuthority: authority }) });
  await writeFile(file, text, { mode: 0o600 });
  return file;
}
