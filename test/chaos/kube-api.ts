import { setTimeout as sleep } from "node:timers/promises";
import { group, version } from "../../src/api/kind.ts";
import { type ApiAnswer, type ApiTarget, apiRequest } from "../cluster/api-request.ts";

const patienceMs = 30_000;

/** Kind is the plural of a kind of getabako's. */
export type Kind = "githubapps" | "ecsrunnerclasses" | "runnertargets" | "runnerrequests";

/** AnyObject is an object as the API server sends it. */
export interface AnyObject {
  readonly metadata: { readonly name: string; readonly finalizers?: readonly string[]; readonly deletionTimestamp?: string };
  readonly [field: string]: unknown;
}

/** KubeApi is what people do to the objects of one namespace, past every fault but a restart of the server, which it sits out. */
export class KubeApi {
  readonly #target: ApiTarget;
  readonly #namespace: string;

  constructor(target: ApiTarget, namespace: string) {
    this.#target = target;
    this.#namespace = namespace;
  }

  async createNamespace(): Promise<void> {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: this.#namespace } };
    await this.#call({ method: "POST", path: "/api/v1/namespaces", body }, [201, 409]);
  }

  async createSecret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
    const body = { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData };
    await this.#call({ method: "POST", path: `/api/v1/namespaces/${this.#namespace}/secrets`, body }, [201, 409]);
  }

  async create(kind: Kind, object: object): Promise<void> {
    // A create whose answer was lost with the server is answered with a conflict the second time.
    await this.#call({ method: "POST", path: this.#path(kind), body: object }, [201, 409]);
  }

  /** Changes the spec; false if the object is gone. */
  async patchSpec(kind: Kind, name: string, spec: object): Promise<boolean> {
    const answer = await this.#call({ method: "PATCH", path: `${this.#path(kind)}/${name}`, body: { spec } }, [200, 404]);
    return answer.status === 200;
  }

  /** Takes all finalizers away, as `kubectl edit` does; false if the object is gone. */
  async dropFinalizers(kind: Kind, name: string): Promise<boolean> {
    const body = { metadata: { finalizers: null } };
    return (await this.#call({ method: "PATCH", path: `${this.#path(kind)}/${name}`, body }, [200, 404])).status === 200;
  }

  /** Asks for the deletion; false if the object is gone already. */
  async delete(kind: Kind, name: string): Promise<boolean> {
    const answer = await this.#call({ method: "DELETE", path: `${this.#path(kind)}/${name}` }, [200, 202, 404]);
    return answer.status !== 404;
  }

  async exists(kind: Kind, name: string): Promise<boolean> {
    return (await this.#call({ path: `${this.#path(kind)}/${name}` }, [200, 404])).status === 200;
  }

  async list(kind: Kind): Promise<readonly AnyObject[]> {
    return (JSON.parse(await this.text(kind)) as { items: AnyObject[] }).items;
  }

  /** All objects of a kind as one text, to be searched. */
  async text(kind: Kind | "events" | "leases" | "configmaps"): Promise<string> {
    const paths: Partial<Record<typeof kind, string>> = {
      events: `/apis/events.k8s.io/v1/namespaces/${this.#namespace}/events`,
      leases: `/apis/coordination.k8s.io/v1/namespaces/${this.#namespace}/leases`,
      configmaps: `/api/v1/namespaces/${this.#namespace}/configmaps`,
    };
    return (await this.#call({ path: paths[kind] ?? this.#path(kind as Kind) }, [200])).body;
  }

  /** One small write that goes to etcd, without a second try. */
  async ping(): Promise<void> {
    const body = { metadata: { annotations: { "test.example/ping": String(Date.now()) } } };
    await apiRequest(this.#target, { method: "PATCH", path: `/api/v1/namespaces/${this.#namespace}`, body, timeoutMs: 5_000 });
  }

  #path(kind: Kind): string {
    return `/apis/${group}/${version}/namespaces/${this.#namespace}/${kind}`;
  }

  async #call(call: { method?: string; path: string; body?: unknown }, accepted: readonly number[]): Promise<ApiAnswer> {
    const until = Date.now() + patienceMs;
    for (;;) {
      const answer = await apiRequest(this.#target, call).catch((error: unknown) => error);
      const status = answer instanceof Error ? 0 : (answer as ApiAnswer).status;
      if (accepted.includes(status)) return answer as ApiAnswer;
      // Restarting: refused connections, and 403 or 5xx until its caches are filled.
      const passing = status === 0 || status === 403 || status === 429 || status >= 500;
      if (!passing || Date.now() > until) {
        const why = answer instanceof Error ? answer.message : (answer as ApiAnswer).body.slice(0, 300);
        throw new Error(`${call.method ?? "GET"} ${call.path}: ${status} ${why}`);
      }
      await sleep(200);
    }
  }
}
