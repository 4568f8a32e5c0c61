/** OwnerReference names an object whose deletion takes this one along. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** ObjectMeta is metadata as the API server sends it: timestamps are RFC 3339 strings, never Dates. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
}

/** KubeObject is what all objects have in common; kinds add their spec and status. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** ObjectKey names one object of a kind; the namespace of a cluster-scoped one is "". */
export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

/** DeepReadonly is T with nothing in it that may be assigned: what a store hands out, frozen at run time too. */
export type DeepReadonly<T> = T extends (...parameters: never[]) => unknown
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** Named is the part of an object that names it, read-only or not. */
export interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** keyOf is the key of an object. */
export function keyOf(object: Named): ObjectKey {
  return { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
}

/** keyText renders a key as "namespace/name", or as "name" when the kind is cluster-scoped. */
export function keyText(key: ObjectKey): string {
  return key.namespace === "" ? key.name : `${key.namespace}/${key.name}`;
}

/** parseKey reads what keyText wrote. */
export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf("/");
  return slash < 0 ? { namespace: "", name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

/**
 * compareVersions orders two resourceVersions of one resource: negative, zero or positive. They are decimal numbers
 * of any length that only grow, which the Kubernetes API documents since 1.35 and etcd has always guaranteed.
 */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** deepFreeze freezes a decoded JSON value in place and returns it. */
export function deepFreeze<T>(value: T): DeepReadonly<T> {
  freeze(value);
  return value as DeepReadonly<T>;
}

function freeze(value: unknown): void {
  // A frozen value is frozen below as well: values come here straight from JSON.parse, or from here.
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  for (const member of Object.values(value)) freeze(member);
  Object.freeze(value);
}
