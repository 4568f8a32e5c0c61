import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiAnswer, apiRequest } from "./api-request.ts";
import {
  apiServerArguments,
  controllerManagerArguments,
  etcdArguments,
  kubeconfigText,
  layout,
  type Layout,
  type Ports,
} from "./components.ts";
import type { ControlPlane, ControlPlaneOptions, Report } from "./control-plane.ts";
import { freePort } from "./free-port.ts";
import { type GuardedProcess, type Janitor, removalCommand, startGuarded, startJanitor } from "./guard.ts";
import type { Binaries } from "./locate.ts";

const readyTimeoutMs = 90_000;
const portAttempts = 3;

/** OwnControlPlaneOptions add the programs to run. */
export interface OwnControlPlaneOptions extends ControlPlaneOptions {
  readonly binaries: Binaries;
  readonly way: string;
  readonly report: Report;
}

/** startOwnControlPlane starts etcd, kube-apiserver and, where there is one, kube-controller-manager on loopback ports. */
export async function startOwnControlPlane(options: OwnControlPlaneOptions): Promise<ControlPlane> {
  for (let attempt = 1; ; attempt++) {
    const startedAt = Date.now();
    const plane = await OwnControlPlane.prepare(options);
    try {
      await plane.start();
      options.report(
        `control plane: ${options.way}, ready at ${plane.server} after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`,
      );
      return plane;
    } catch (error) {
      await plane.stop();
      // Another process took a port between our look and the server's bind: choose others.
      if (attempt < portAttempts && error instanceof Error && error.message.includes("address already in use")) continue;
      throw error;
    }
  }
}

class OwnControlPlane implements ControlPlane {
  readonly way: string;
  readonly server: string;
  readonly kubectlPath: string;
  readonly adminToken: string;
  readonly #options: OwnControlPlaneOptions;
  readonly #files: Layout;
  readonly #ports: Ports;
  readonly #janitor: Janitor;
  #etcd: GuardedProcess | undefined;
  // Absent between stopApiServer and startApiServer.
  #apiServer: GuardedProcess | undefined;
  #controllerManager: GuardedProcess | undefined;
  #stopping = false;

  private constructor(options: OwnControlPlaneOptions, files: Layout, ports: Ports, janitor: Janitor, token: string) {
    this.#options = options;
    this.#files = files;
    this.#ports = ports;
    this.#janitor = janitor;
    this.adminToken = token;
    this.way = options.way;
    this.kubectlPath = options.binaries.kubectl;
    this.server = `https://127.0.0.1:${ports.apiServer}`;
  }

  static async prepare(options: OwnControlPlaneOptions): Promise<OwnControlPlane> {
    const root = options.stateDir ?? (await mkdtemp(join(tmpdir(), "getabako-control-plane-")));
    if (options.stateDir !== undefined) await mkdir(root, { mode: 0o700 });
    const janitor = startJanitor(removalCommand(root));
    const files = layout(root);
    const token = randomBytes(24).toString("hex");
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await Promise.all([
      writeFile(files.tokens, `${token},admin,admin,system:masters\n`, { mode: 0o600 }),
      writeFile(files.signingKey, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 }),
      writeFile(files.verifyingKey, publicKey.export({ type: "spki", format: "pem" })),
    ]);
    const ports: Ports = { etcdClient: await freePort(), etcdPeer: await freePort(), apiServer: await freePort() };
    return new OwnControlPlane(options, files, ports, janitor, token);
  }

  async start(): Promise<void> {
    const { binaries } = this.#options;
    this.#etcd = await this.#run("etcd", [binaries.etcd, ...etcdArguments(this.#files, this.#ports)]);
    await this.startApiServer();
    const text = kubeconfigText({
      server: this.server,
      certificateAuthority: await readFile(this.#files.serverCertificate, "utf8"),
      user: { token: this.adminToken },
    });
    await writeFile(this.kubeconfig, text, { mode: 0o600 });
    if (binaries.controllerManager !== undefined) {
      const command = [binaries.controllerManager, ...controllerManagerArguments(this.#files)];
      this.#controllerManager = await this.#run("kube-controller-manager", command);
    }
  }

  get kubeconfig(): string {
    return this.#files.kubeconfig;
  }

  get hasControllerManager(): boolean {
    return this.#options.binaries.controllerManager !== undefined;
  }

  get servingCertificate(): { certificate: string; key: string } {
    return { certificate: this.#files.serverCertificate, key: this.#files.serverKey };
  }

  async metrics(): Promise<string> {
    const answer = await this.#get("/metrics", 20_000);
    if (answer.status !== 200) throw new Error(`the API server answered ${answer.status} for /metrics`);
    return answer.body;
  }

  async restartApiServer(): Promise<void> {
    await this.stopApiServer();
    await this.startApiServer();
  }

  async stopApiServer(): Promise<void> {
    const server = this.#apiServer;
    this.#apiServer = undefined;
    await server?.kill();
  }

  async startApiServer(): Promise<void> {
    if (this.#apiServer !== undefined) throw new Error("the API server runs already");
    const args = apiServerArguments(this.#files, this.#ports, {
      hasControllerManager: this.hasControllerManager,
      extra: this.#options.apiServerArgs ?? [],
    });
    this.#apiServer = await this.#run("kube-apiserver", [this.#options.binaries.apiServer, ...args]);
    await this.#untilReady();
  }

  pauseApiServer(): void {
    this.#running().signal("SIGSTOP");
  }

  resumeApiServer(): void {
    this.#running().signal("SIGCONT");
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([this.#controllerManager?.kill(), this.#apiServer?.kill(), this.#etcd?.kill()]);
    await this.#janitor.run();
  }

  processIds(): { readonly apiServer: number; readonly etcd: number } {
    if (this.#etcd === undefined) throw new Error("etcd is stopped");
    return { apiServer: this.#running().pid, etcd: this.#etcd.pid };
  }

  #running(): GuardedProcess {
    if (this.#apiServer === undefined) throw new Error("the API server is stopped");
    return this.#apiServer;
  }

  async #run(component: string, command: readonly string[]): Promise<GuardedProcess> {
    const process = await startGuarded(command, { log: this.#files.log(component), cwd: this.#files.root });
    void process.exited.then(async (code) => {
      const wanted = this.#stopping || (component === "kube-apiserver" && this.#apiServer !== process);
      if (!wanted) this.#options.report(`${component} ended by itself (exit ${code}): ${await this.#lastWords(component)}`);
    });
    return process;
  }

  /** Asks /readyz rather than the port: the server listens long before its first answer means anything. */
  async #untilReady(): Promise<void> {
    const until = Date.now() + readyTimeoutMs;
    for (;;) {
      for (const [name, process] of [["etcd", this.#etcd] as const, ["kube-apiserver", this.#apiServer] as const]) {
        if (process?.hasExited === true) throw new Error(`${name} ended while starting: ${await this.#lastWords(name)}`);
      }
      if (existsSync(this.#files.serverCertificate)) {
        const ready = await this.#get("/readyz", 2_000).then(
          (answer) => answer.status === 200,
          () => false,
        );
        if (ready) return;
      }
      if (Date.now() > until) {
        throw new Error(
          `kube-apiserver is not ready after ${readyTimeoutMs / 1000} s: ${await this.#lastWords("kube-apiserver")}`,
        );
      }
      await sleep(50);
    }
  }

  async #get(path: string, timeoutMs: number): Promise<ApiAnswer> {
    const target = { server: this.server, certificateAuthorityFile: this.#files.serverCertificate, token: this.adminToken };
    return await apiRequest(target, { path, timeoutMs });
  }

  async #lastWords(component: string): Promise<string> {
    const text = await readFile(this.#files.log(component), "utf8").catch(() => "no log");
    return text.trim().split("\n").slice(-5).join("\n");
  }
}
