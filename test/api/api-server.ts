import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { afterAll, beforeAll } from "vitest";
import { apiVersion } from "../../src/api/kind.ts";
import { kinds } from "../../src/api/v1alpha1/kinds.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import type { Manifest } from "./manifests.ts";

/** Answer is what the API server said: the object, or the message of its refusal. */
export interface Answer {
  readonly status: number;
  readonly object: Manifest;
  readonly message: string;
}

/**
 * ApiServer is the API server over plain HTTP, without any client code of the project in between: what is judged here are the CRDs.
 * Writes are strict, as kubectl's are: unknown fields are refused.
 */
export interface ApiServer {
  create(object: Manifest): Promise<Answer>;
  /** Replaces the whole object, or only what belongs to a subresource. */
  replace(object: Manifest, subresource?: "status"): Promise<Answer>;
  read(object: Manifest): Promise<Answer>;
  /** Makes an object with its status, which takes two writes. @throws where either is refused */
  createWhole(object: Manifest): Promise<void>;
}

/** apiServer connects a suite through `kubectl proxy`, which works on every cluster, also on one that somebody lent. */
export function apiServer(cluster: TestCluster): ApiServer {
  let address = "";
  let stop: () => Promise<void> = async () => {};

  beforeAll(async () => {
    const proxy = spawn(cluster.kubectlPath, ["--kubeconfig", cluster.kubeconfig, "proxy", "--port=0"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const closed = once(proxy, "close");
    stop = async () => {
      proxy.kill();
      await closed;
    };
    address = await firstAddress(proxy.stdout);
  });
  afterAll(async () => await stop());

  async function call(method: string, path: string, body?: Manifest): Promise<Answer> {
    const response = await fetch(`http://${address}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const answer = (await response.json()) as Manifest & { message?: string };
    return { status: response.status, object: answer, message: answer.message ?? "" };
  }

  const create: ApiServer["create"] = async (object) =>
    await call("POST", `${collection(object)}?fieldValidation=Strict`, object);
  const replace: ApiServer["replace"] = async (object, subresource) =>
    await call("PUT", `${item(object)}${subresource === undefined ? "" : `/${subresource}`}?fieldValidation=Strict`, object);
  return {
    create,
    replace,
    read: async (object) => await call("GET", item(object)),
    async createWhole(object) {
      const created = await create(object);
      const { status, message } = await replace({ ...created.object, status: object.status ?? {} }, "status");
      if (status !== 200) throw new Error(`the ${object.kind} was not made: ${created.message} ${message}`);
    },
  };
}

function firstAddress(output: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    output.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      const address = /Starting to serve on (\S+)\n/.exec(text)?.[1];
      if (address !== undefined) resolve(address);
    });
    output.on("close", () => reject(new Error("kubectl proxy ended before it served")));
  });
}

function collection({ kind, metadata }: Manifest): string {
  const definition = kinds.find((candidate) => candidate.kind === kind);
  if (definition === undefined) throw new Error(`${kind} is no kind of getabako`);
  return `/apis/${apiVersion}/namespaces/${metadata.namespace}/${definition.plural}`;
}

function item(object: Manifest): string {
  return `${collection(object)}/${object.metadata.name}`;
}
