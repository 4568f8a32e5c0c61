import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request, type Server } from "node:https";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiTarget } from "../cluster/api-request.ts";
import { kubeconfigText } from "../cluster/components.ts";
import { freePort } from "../cluster/free-port.ts";
import { type Janitor, removalCommand, startJanitor } from "../cluster/guard.ts";
import { runCommand } from "../cluster/run-command.ts";
import { delayLine } from "./delay-line.ts";
import { type Fault, statusObject, watchExpiredEvent } from "./fault.ts";
import { matches, openRequest, type OpenRequest, type ProxiedRequest, type RequestMatch } from "./proxied-request.ts";
import { readUpstream, type Upstream } from "./upstream.ts";

/** Injection is a fault at work. */
export interface Injection {
  /** How many requests it has hit. */
  readonly hits: number;
  remove(): void;
}

interface Rule {
  readonly match: RequestMatch;
  readonly fault: Fault;
  left: number;
  hits: number;
}

interface ProxyFiles {
  readonly janitor: Janitor;
  readonly kubeconfig: string;
  readonly certificateAuthority: string;
}

/**
 * FaultProxy stands between a client and an API server and does, on demand, what networks and busy servers do. Give its
 * kubeconfig to the client under test. Without any fault it passes everything on; exec, attach and port-forward it cannot.
 */
export class FaultProxy {
  readonly kubeconfig: string;
  /** For raw calls. */
  readonly target: ApiTarget;
  readonly #http: Server;
  readonly #port: number;
  readonly #upstream: Upstream;
  readonly #agent: Agent;
  // Presents the client certificate of the kubeconfig: only for requests with this proxy's token.
  readonly #adminAgent: Agent;
  readonly #janitor: Janitor;
  readonly #requests: OpenRequest[] = [];
  // In the order of injection: the first rule that matches and has times left takes the request.
  #rules: Rule[] = [];
  // Every accepted connection, so that refusing can end them all.
  readonly #sockets = new Set<Socket>();
  // Answers of watches that are open now.
  readonly #watches = new Set<ServerResponse>();
  // Lags of watches that hold now, in milliseconds: the longest counts.
  readonly #lags = new Set<{ readonly ms: number }>();

  private constructor(http: Server, port: number, upstream: Upstream, files: ProxyFiles, token: string) {
    this.#http = http;
    this.#port = port;
    this.#upstream = upstream;
    this.#janitor = files.janitor;
    this.kubeconfig = files.kubeconfig;
    this.target = { server: `https://127.0.0.1:${port}`, token, certificateAuthorityFile: files.certificateAuthority };
    const { cert, key, ...tls } = upstream.tls;
    this.#agent = new Agent({ keepAlive: true, ...tls });
    this.#adminAgent = cert === undefined || key === undefined ? this.#agent : new Agent({ keepAlive: true, ...tls, cert, key });
  }

  /** start listens on a loopback port, with the API server's own certificate where its key is at hand, else with one made for it. */
  static async start(target: {
    kubeconfig: string;
    servingCertificate?: { readonly certificate: string; readonly key: string };
  }): Promise<FaultProxy> {
    const upstream = readUpstream(await readFile(target.kubeconfig, "utf8"));
    const directory = await mkdtemp(join(tmpdir(), "getabako-fault-proxy-"));
    const janitor = startJanitor(removalCommand(directory));
    const serving = target.servingCertificate ?? (await makeCertificate(directory));
    const port = await freePort();
    // A client certificate cannot pass through a proxy: clients get a token that stands for it.
    const token = upstream.token ?? randomBytes(24).toString("hex");
    const certificate = await readFile(serving.certificate, "utf8");
    const kubeconfig = join(directory, "kubeconfig");
    const text = kubeconfigText({ server: `https://127.0.0.1:${port}`, certificateAuthority: certificate, user: { token } });
    await writeFile(kubeconfig, text, { mode: 0o600 });
    const http = createServer({ cert: certificate, key: await readFile(serving.key, "utf8") });
    const files = { janitor, kubeconfig, certificateAuthority: serving.certificate };
    const proxy = new FaultProxy(http, port, upstream, files, token);
    http.on("request", (incoming, outgoing) => void proxy.#serve(incoming, outgoing));
    http.on("connection", (socket: Socket) => proxy.#track(socket));
    await proxy.accept();
    return proxy;
  }

  get server(): string {
    return this.target.server;
  }

  /** inject answers matching requests with a fault, `times` of them (by default all) until it is removed. */
  inject(match: RequestMatch, fault: Fault, { times = Number.POSITIVE_INFINITY }: { times?: number } = {}): Injection {
    const rule: Rule = { match, fault, left: times, hits: 0 };
    this.#rules.push(rule);
    return {
      get hits() {
        return rule.hits;
      },
      remove: () => {
        this.#rules = this.#rules.filter((other) => other !== rule);
      },
    };
  }

  /** clear removes every fault and forgets the recorded requests; open connections stay. */
  clear(): void {
    this.#rules = [];
    this.#lags.clear();
    this.#requests.length = 0;
  }

  /** requests lists what clients sent, oldest first. */
  requests(match: RequestMatch = {}): readonly ProxiedRequest[] {
    return this.#requests.filter((seen) => matches(match, seen));
  }

  /** openWatches counts the watches that are being served. */
  get openWatches(): number {
    return this.#watches.size;
  }

  /** cutWatches cuts the connections of all open watches and says how many there were. */
  cutWatches(): number {
    const cut = this.#watches.size;
    for (const watch of this.#watches) watch.destroy();
    return cut;
  }

  /**
   * lagWatches makes all watches tell of everything `ms` later, those that are open too, until the answer is called: what an API server
   * with much to do, or the watch cache of the one that was asked, does to every informer.
   */
  lagWatches(ms: number): () => void {
    const lag = { ms };
    this.#lags.add(lag);
    return () => this.#lags.delete(lag);
  }

  /** refuse cuts every connection and refuses new ones until accept. */
  async refuse(): Promise<void> {
    if (!this.#http.listening) return;
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** accept takes connections again, on the same port. */
  async accept(): Promise<void> {
    if (this.#http.listening) return;
    await new Promise<void>((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen(this.#port, "127.0.0.1", () => {
        this.#http.off("error", reject);
        resolve();
      });
    });
  }

  /** close ends everything and removes the kubeconfig. */
  async close(): Promise<void> {
    await this.refuse();
    this.#agent.destroy();
    this.#adminAgent.destroy();
    await this.#janitor.run();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    // A client that resets its connection is what this proxy is for.
    socket.on("error", () => {});
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const seen = openRequest(incoming.method ?? "GET", incoming.url ?? "/");
    this.#requests.push(seen);
    outgoing.on("close", () => {
      seen.ended = true;
    });
    const rule = this.#rules.find((candidate) => candidate.left > 0 && matches(candidate.match, seen));
    if (rule !== undefined) {
      rule.left--;
      rule.hits++;
    }
    try {
      await this.#answer(rule?.fault, seen, incoming, outgoing);
    } catch {
      // Whatever went wrong on one side is a cut connection on the other, as without a proxy.
      outgoing.destroy();
    }
  }

  async #answer(fault: Fault | undefined, seen: OpenRequest, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    switch (fault?.kind) {
      case undefined:
        return await this.#forward(seen, incoming, outgoing);
      case "delay":
        await sleep(fault.ms);
        return await this.#forward(seen, incoming, outgoing);
      case "hold":
        await fault.until;
        return await this.#forward(seen, incoming, outgoing);
      case "dropBefore":
        outgoing.destroy();
        return;
      case "dropAfter":
        return await this.#forward(seen, incoming, outgoing, { dropAnswer: true });
      case "status": {
        incoming.resume();
        seen.status = fault.code;
        const retryAfter = fault.retryAfterSeconds === undefined ? {} : { "retry-after": String(fault.retryAfterSeconds) };
        outgoing.writeHead(fault.code, { "content-type": "application/json", ...retryAfter });
        outgoing.end(JSON.stringify(statusObject(fault)));
        return;
      }
      case "watchExpired":
        seen.status = 200;
        outgoing.writeHead(200, { "content-type": "application/json" });
        outgoing.end(`${JSON.stringify(watchExpiredEvent())}\n`);
        return;
      default:
        throw new Error(`unknown fault ${String(fault satisfies never)}`);
    }
  }

  async #forward(
    seen: OpenRequest,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { dropAnswer = false } = {},
  ): Promise<void> {
    // The client gave up while it was held: the API server must not see a request that nobody waits for.
    if (seen.ended) return;
    seen.forwarded = true;
    const answer = await this.#send(incoming, outgoing);
    if (dropAnswer) {
      for await (const chunk of answer) void chunk;
      outgoing.destroy();
      return;
    }
    seen.status = answer.statusCode ?? 0;
    outgoing.writeHead(seen.status, answer.headers);
    // A watch has no body until something happens, but its client waits for the headers.
    outgoing.flushHeaders();
    if (!seen.watch) return await pipeline(answer, outgoing);
    this.#watches.add(outgoing);
    outgoing.on("close", () => this.#watches.delete(outgoing));
    await pipeline(
      answer,
      delayLine(() => Math.max(0, ...[...this.#lags].map(({ ms }) => ms))),
      outgoing,
    );
  }

  #send(incoming: IncomingMessage, outgoing: ServerResponse): Promise<IncomingMessage> {
    const { authorization, ...others } = incoming.headers;
    const standsForCertificate = this.#adminAgent !== this.#agent && authorization === `Bearer ${this.target.token ?? ""}`;
    const headers = { ...(standsForCertificate ? others : incoming.headers), host: this.#upstream.host };
    const agent = standsForCertificate ? this.#adminAgent : this.#agent;
    return new Promise((resolve, reject) => {
      const url = new URL(incoming.url ?? "/", this.#upstream.server);
      const call = request(url, { method: incoming.method, agent, headers }, resolve);
      call.on("error", reject);
      // A client that leaves ends its request at the API server too, or aborted watches would pile up there.
      outgoing.on("close", () => call.destroy());
      incoming.pipe(call);
    });
  }
}

async function makeCertificate(directory: string): Promise<{ certificate: string; key: string }> {
  const [certificate, key] = [join(directory, "proxy.crt"), join(directory, "proxy.key")];
  const pair = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate];
  const names = ["-subj", "/CN=fault-proxy", "-addext", "subjectAltName=IP:127.0.0.1"];
  await runCommand("openssl", ["req", "-x509", "-new", "-days", "30", ...pair, ...names]);
  return { certificate, key };
}
