import { createHash } from "node:crypto";
import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { Agent, type Dispatcher, ProxyAgent } from "undici";

// How long headers are used before client-node is asked again. It re-reads a token file once a minute and runs an
// exec plugin when its token has expired; a 401 asks at once.
const headersMaxAgeMs = 10_000;

// undici speaks HTTP/2 by default since 8.0. HTTP/1.1 is chosen: a dead connection then costs one request or one watch
// instead of all of them, and no pings are needed to find out.
const agentOptions = {
  allowH2: false,
  pipelining: 1,
  keepAliveTimeout: 30_000,
  keepAliveMaxTimeout: 60_000,
  bodyTimeout: 0,
  headersTimeout: 0,
};
const connectTimeoutMs = 5_000;
const maxCallConnections = 64;

/** Transport is what one request is sent with. */
export interface Transport {
  readonly headers: Readonly<Record<string, string>>;
  /** For calls: keep-alive, at most 64 connections; more callers wait. */
  readonly calls: Dispatcher;
  /** Without a bound: for watches, which each hold a connection, and for what must not wait behind calls. */
  readonly direct: Dispatcher;
}

/**
 * loadKubeConfig reads the kubeconfig file given, else the usual places: KUBECONFIG, ~/.kube/config, the pod's service account. `context`
 * is one of its contexts, instead of the current one.
 */
export function loadKubeConfig(file?: string, context?: string): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new Error(`cannot read the kubeconfig ${file ?? "(from KUBECONFIG, ~/.kube/config or the pod's service account)"}`, {
      cause: error,
    });
  }
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      const names = config.getContexts().map(({ name }) => name);
      throw new Error(`the kubeconfig ${file ?? "found"} has no context ${context}, only ${names.slice(0, 10).join(", ")}`);
    }
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new Error(
      `the kubeconfig ${file ?? "found"} has no current context with a cluster; set one with: kubectl config use-context NAME`,
    );
  }
  if (cluster.server.startsWith("http:") && !cluster.skipTLSVerify) {
    // client-node would refuse each call; the reason is credentials that would cross the network in the clear.
    throw new Error(
      `the kubeconfig's server ${cluster.server} is not https; if that is meant, set insecure-skip-tls-verify: true on it`,
    );
  }
  return config;
}

/** Credentials keeps the headers and connections of a kubeconfig's current user fresh. */
export class Credentials {
  readonly #config: KubeConfig;
  #transport: Transport | undefined;
  /** Digest of the TLS material that #transport's connections were made with: new material needs new connections. */
  #material = "";
  #refreshedAt = Number.NEGATIVE_INFINITY;
  /** The refresh in flight: callers share it, so that an exec plugin is not started once per request. */
  #refreshing: Promise<Transport> | undefined;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** current is what to send a request with now. */
  current(): Transport | Promise<Transport> {
    if (this.#transport !== undefined && performance.now() - this.#refreshedAt < headersMaxAgeMs) return this.#transport;
    this.#refreshing ??= this.#refresh()
      .catch((error: unknown) => {
        // An exec plugin that fails says why on stderr, of which client-node makes the error's message.
        const why = error instanceof Error ? error.message.trim().slice(0, 300) : String(error);
        throw new Error(`no credentials for the kubeconfig's user: ${why}`);
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  /** rejected says that the server answered 401 to these headers: whoever asks next gets fresh ones. */
  rejected(transport: Transport): void {
    if (this.#transport === transport) this.#refreshedAt = Number.NEGATIVE_INFINITY;
  }

  async close(): Promise<void> {
    const transport = this.#transport;
    this.#transport = undefined;
    if (transport !== undefined) await Promise.all([transport.calls.destroy(), transport.direct.destroy()]);
  }

  async #refresh(): Promise<Transport> {
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value).trim();
    if (typeof options.auth === "string") headers["authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
    const tls = tlsOptions(options);
    const material = createHash("sha256").update(JSON.stringify(tls)).digest("base64");
    const old = this.#transport;
    if (old !== undefined && material === this.#material) {
      this.#transport = { ...old, headers };
    } else {
      this.#transport = { headers, calls: await this.#dispatcher(tls, maxCallConnections), direct: await this.#dispatcher(tls) };
      this.#material = material;
      // close() lets calls in hand finish. Watches would keep it waiting until the server ends them, which is the point.
      old?.calls.close().catch(() => undefined);
      old?.direct.close().catch(() => undefined);
    }
    this.#refreshedAt = performance.now();
    return this.#transport;
  }

  async #dispatcher(tls: TlsOptions, connections?: number): Promise<Dispatcher> {
    const found = this.#config.createDispatcherOptions(this.#config.getCurrentCluster(), tls);
    const pool = connections === undefined ? agentOptions : { ...agentOptions, connections };
    switch (found.type) {
      case "none":
        return new Agent({ ...pool, connect: { timeout: connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: 30_000 } });
      case "agent":
        return new Agent({
          ...pool,
          connect: { ...found.connect, timeout: connectTimeoutMs } as Agent.Options["connect"] & object,
        });
      case "proxy":
        return new ProxyAgent({
          ...pool,
          uri: found.uri,
          requestTls: found.requestTls as ProxyAgent.Options["requestTls"] & object,
        });
      case "socks":
        return this.#socksDispatcher();
      default:
        return found satisfies never;
    }
  }

  // client-node keeps its SOCKS connector to itself; it comes out only through a request context.
  async #socksDispatcher(): Promise<Dispatcher> {
    let dispatcher: Dispatcher | undefined;
    const context = {
      setHeaderParam: (): void => undefined,
      setDispatcher: (made: Dispatcher): void => {
        dispatcher = made;
      },
    };
    await this.#config.applySecurityAuthentication(
      context as unknown as Parameters<KubeConfig["applySecurityAuthentication"]>[0],
    );
    if (dispatcher === undefined) throw new Error("client-node made no connection for the kubeconfig's SOCKS proxy");
    return dispatcher;
  }
}

interface TlsOptions {
  ca?: NonNullable<RequestOptions["ca"]>;
  cert?: NonNullable<RequestOptions["cert"]>;
  key?: NonNullable<RequestOptions["key"]>;
  pfx?: NonNullable<RequestOptions["pfx"]>;
  passphrase?: string;
  rejectUnauthorized?: boolean;
  servername?: string;
}

function tlsOptions(options: RequestOptions): TlsOptions {
  const tls: TlsOptions = {};
  if (options.ca !== undefined) tls.ca = options.ca;
  if (options.cert !== undefined) tls.cert = options.cert;
  if (options.key !== undefined) tls.key = options.key;
  if (options.pfx !== undefined) tls.pfx = options.pfx;
  if (options.passphrase !== undefined) tls.passphrase = options.passphrase;
  if (options.rejectUnauthorized !== undefined) tls.rejectUnauthorized = options.rejectUnauthorized;
  if (options.servername !== undefined) tls.servername = options.servername;
  return tls;
}
