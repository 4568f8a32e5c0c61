import { parse } from "yaml";

/** Upstream is the API server of a kubeconfig's current context and how a proxy is admitted to it. */
export interface Upstream {
  readonly server: string;
  readonly host: string;
  /** Absent where a client certificate admits. */
  readonly token?: string;
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer; readonly rejectUnauthorized?: boolean };
}

interface Kubeconfig {
  readonly "current-context": string;
  readonly clusters: readonly { name: string; cluster: Record<string, string | boolean | undefined> }[];
  readonly users: readonly { name: string; user: Record<string, string | undefined> }[];
  readonly contexts: readonly { name: string; context: { cluster: string; user: string } }[];
}

/** readUpstream understands a flattened kubeconfig with a token or a client certificate; exec plugins it refuses. */
export function readUpstream(text: string): Upstream {
  const config = parse(text) as Kubeconfig;
  const context = config.contexts.find(({ name }) => name === config["current-context"])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users.find(({ name }) => name === context?.user)?.user ?? {};
  const server = cluster?.["server"];
  if (cluster === undefined || typeof server !== "string") throw new Error("the kubeconfig's current context names no server");
  const token = user["token"];
  const certificate = user["client-certificate-data"];
  const key = user["client-key-data"];
  if (token === undefined && certificate === undefined) {
    throw new Error("the fault proxy needs a kubeconfig with a token or a client certificate in it");
  }
  const authority = cluster["certificate-authority-data"];
  return {
    server,
    host: new URL(server).host,
    ...(token === undefined ? {} : { token }),
    tls: {
      ...(typeof authority === "string" ? { ca: Buffer.from(authority, "base64") } : {}),
      ...(cluster["insecure-skip-tls-verify"] === true ? { rejectUnauthorized: false } : {}),
      ...(certificate === undefined || key === undefined
        ? {}
        : { cert: Buffer.from(certificate, "base64"), key: Buffer.from(key, "base64") }),
    },
  };
}
