import { isApiError, outdated } from "./api-error.ts";
import type { Call, Cluster } from "./cluster.ts";
import { mergePatch } from "./merge-patch.ts";
import { compareVersions, type DeepReadonly, type KubeObject, keyOf, keyText, type ObjectKey } from "./object.ts";
import { apiVersionOf, collectionPath, objectPath, type Resource } from "./resource.ts";
import { Turns } from "./turns.ts";
import { readWatch, type WatchEvent } from "./watch-stream.ts";

/** CallOptions are what every method takes: a signal, and a deadline other than the 10 s that calls have. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** For the few calls on which all others depend: they do not wait for one of the connections that the others share. */
  readonly urgent?: boolean | undefined;
}

/** Selection narrows a list or a watch. */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** ListOptions are a selection and a page of it. */
export interface ListOptions extends Selection, CallOptions {
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/** List is one page of objects. */
export interface List<T> {
  readonly items: T[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

/** WatchOptions are a selection and the version to go on from. */
export interface WatchOptions extends Selection, CallOptions {
  readonly resourceVersion: string;
  /** When the server ends the watch in good order. */
  readonly timeoutSeconds?: number | undefined;
  /**
   * How long nothing at all may come before the connection is taken for dead: 15 s longer than `timeoutSeconds` unless
   * told. Shorter would be wrong: a kind that nobody writes gets no bookmarks either, and its watch is silent to its end.
   */
  readonly idleTimeoutMs?: number | undefined;
}

/** DeleteOptions say which incarnation of an object is meant and what becomes of its dependants. */
export interface DeleteOptions extends CallOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan" | undefined;
}

/** MetadataChange is what patchMetadata may change; null removes a label or an annotation. */
export interface MetadataChange {
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly annotations?: Readonly<Record<string, string | null>>;
}

const mergePatchType = "application/merge-patch+json";
const defaultWatchSeconds = 290;
const idleGraceMs = 15_000;

/**
 * Client reads and writes objects of one kind. There is no general update: status, metadata and other fields are
 * patched apart, each with the version that the change was computed from, so that nobody's write is lost.
 */
export class Client<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly #cluster: Cluster;
  readonly #quote: boolean;
  readonly #turns = new Turns();

  constructor(cluster: Cluster, resource: Resource<T>) {
    this.#cluster = cluster;
    this.resource = resource;
    this.#quote = !(resource.group === "" && resource.plural === "secrets");
  }

  /**
   * inTurn does work that reads an object from the store and writes it, after that of everybody else in this process who does so with
   * this client: what is computed from what they left meets no conflict with them. The work stores what its write returned.
   */
  async inTurn<R>(key: ObjectKey, work: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    return await this.#turns.take(keyText(key), work, signal);
  }

  /** get reads one object. @throws ApiError NotFound */
  async get(key: ObjectKey, options: CallOptions = {}): Promise<T> {
    return (await this.#call("GET", "get", key, options)) as T;
  }

  /** list reads one page of objects; apiVersion and kind, which a list leaves out of its items, are put back. */
  async list(options: ListOptions = {}): Promise<List<T>> {
    const body = (await this.#cluster.call({
      method: "GET",
      path: collectionPath(this.resource, options.namespace ?? ""),
      query: {
        limit: options.limit,
        continue: options.continue,
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
        resourceVersion: options.resourceVersion,
      },
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? 30_000,
      doing: this.#doing("list", options.namespace),
      quote: this.#quote,
    })) as { items: T[] | null; metadata: { resourceVersion: string; continue?: string } };
    const items = body.items ?? [];
    const apiVersion = apiVersionOf(this.resource);
    for (const item of items) {
      item.apiVersion = apiVersion;
      item.kind = this.resource.kind;
    }
    const next = body.metadata.continue;
    return {
      items,
      resourceVersion: body.metadata.resourceVersion,
      ...(next === undefined || next === "" ? {} : { continue: next }),
    };
  }

  /** create stores a new object; a field that the kind does not have is an error, not ignored. @throws ApiError AlreadyExists, Invalid */
  async create(object: T, options: CallOptions = {}): Promise<T> {
    const key = keyOf(object);
    return (await this.#cluster.call({
      method: "POST",
      path: collectionPath(this.resource, key.namespace),
      query: { fieldValidation: "Strict" },
      body: object,
      signal: options.signal,
      timeoutMs: options.timeoutMs,
      urgent: options.urgent,
      doing: this.#doing("create", keyText(key)),
      quote: this.#quote,
    })) as T;
  }

  /** delete asks for an object's deletion; finalizers may keep it for a while. @throws ApiError NotFound, Conflict when a precondition fails */
  async delete(key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    const preconditions = {
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.resourceVersion === undefined ? {} : { resourceVersion: options.resourceVersion }),
    };
    await this.#call("DELETE", "delete", key, options, {
      body: { apiVersion: "v1", kind: "DeleteOptions", preconditions, propagationPolicy: options.propagationPolicy },
    });
  }

  /**
   * patchStatus brings an object's status from what `base` has to `status`, sending only the difference and only if
   * the object is still at base's version. Without a difference it returns base and sends nothing, and nothing is sent either where
   * `known`, which is what the caller's store has by now, shows that the version is another one.
   * @throws ApiError Conflict when somebody was faster: look again and decide again.
   */
  async patchStatus(
    base: DeepReadonly<T>,
    status: unknown,
    options: CallOptions & { readonly known?: DeepReadonly<T> | undefined } = {},
  ): Promise<T> {
    const change = mergePatch((base as { status?: unknown }).status ?? {}, status ?? {});
    if (change !== undefined && options.known !== undefined && isNewer(options.known, base)) {
      throw outdated(this.#doing("patch status of", keyText(keyOf(base as DeepReadonly<KubeObject>))));
    }
    return this.#patch(base, "patch status of", change === undefined ? {} : { status: change }, options, "/status");
  }

  /**
   * patchMetadata changes finalizers, labels and annotations, only if the object is still at base's version.
   * @throws ApiError Conflict
   */
  async patchMetadata(base: DeepReadonly<T>, change: MetadataChange, options: CallOptions = {}): Promise<T> {
    const { finalizers, labels, annotations } = base.metadata as DeepReadonly<KubeObject>["metadata"];
    const metadata = mergePatch(
      { finalizers: finalizers ?? [], labels: labels ?? {}, annotations: annotations ?? {} },
      {
        finalizers: change.finalizers ?? finalizers ?? [],
        labels: { ...labels, ...change.labels },
        annotations: { ...annotations, ...change.annotations },
      },
    );
    return this.#patch(base, "patch metadata of", metadata === undefined ? {} : { metadata }, options);
  }

  /**
   * patchFields changes top-level fields other than metadata and status (a Lease's spec, an Event's series) of an
   * object that the caller owns, only if it is still at base's version.
   * @throws ApiError Conflict
   */
  async patchFields(
    base: DeepReadonly<T>,
    fields: Partial<DeepReadonly<Omit<T, "apiVersion" | "kind" | "metadata" | "status">>>,
    options: CallOptions = {},
  ): Promise<T> {
    const patch: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(fields)) {
      const change = mergePatch((base as unknown as Record<string, unknown>)[name], value);
      if (change !== undefined) patch[name] = change;
    }
    return this.#patch(base, "patch", patch, options);
  }

  /**
   * watch yields changes after a version, and bookmarks. It ends in good order after `timeoutSeconds` and is then to
   * be opened again from the last version seen.
   * @throws ApiError (Expired: list again), IdleError, DecodeError, or the signal's reason.
   */
  async *watch(options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const doing = this.#doing("watch", options.namespace);
    const timeoutSeconds = options.timeoutSeconds ?? defaultWatchSeconds;
    const stream = await this.#cluster.watch({
      method: "GET",
      path: collectionPath(this.resource, options.namespace ?? ""),
      query: {
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: options.resourceVersion,
        timeoutSeconds,
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      },
      signal: options.signal,
      timeoutMs: options.timeoutMs,
      doing,
      quote: this.#quote,
    });
    yield* readWatch<T>(stream, {
      doing,
      quote: this.#quote,
      idleTimeoutMs: options.idleTimeoutMs ?? timeoutSeconds * 1_000 + idleGraceMs,
      signal: options.signal,
    });
  }

  async #patch(
    base: DeepReadonly<T>,
    verb: string,
    patch: Record<string, unknown>,
    options: CallOptions,
    subresource = "",
  ): Promise<T> {
    if (Object.keys(patch).length === 0) return base as T;
    const { resourceVersion } = base.metadata as KubeObject["metadata"];
    if (resourceVersion === undefined) {
      throw new TypeError(
        `${verb} ${this.resource.kind}: the object has no resourceVersion, so it was not read from the API server`,
      );
    }
    return (await this.#call("PATCH", verb, keyOf(base as KubeObject), options, {
      subresource,
      contentType: mergePatchType,
      query: { fieldValidation: "Strict" },
      body: { ...patch, metadata: { ...(patch["metadata"] as object | undefined), resourceVersion } },
    })) as T;
  }

  #call(
    method: Call["method"],
    verb: string,
    key: ObjectKey,
    options: CallOptions,
    more: { subresource?: string } & Pick<Call, "body" | "contentType" | "query"> = {},
  ): Promise<unknown> {
    const { subresource = "", ...rest } = more;
    return this.#cluster.call({
      method,
      path: objectPath(this.resource, key) + subresource,
      signal: options.signal,
      timeoutMs: options.timeoutMs,
      urgent: options.urgent,
      doing: this.#doing(verb, keyText(key)),
      quote: this.#quote,
      ...rest,
    });
  }

  #doing(verb: string, what: string | undefined): string {
    return what === undefined || what === "" ? `${verb} ${this.resource.plural}` : `${verb} ${this.resource.plural} ${what}`;
  }
}

/** ignoreNotFound turns a NotFound into undefined: for reads whose object may be gone and deletions that were done already. */
export async function ignoreNotFound<R>(result: Promise<R>): Promise<R | undefined> {
  try {
    return await result;
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}

/** isNewer is whether an object is a later version of another. */
export function isNewer(object: DeepReadonly<KubeObject>, than: DeepReadonly<KubeObject>): boolean {
  return compareVersions(object.metadata.resourceVersion ?? "", than.metadata.resourceVersion ?? "") > 0;
}
