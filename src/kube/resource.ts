import type { KubeObject, ObjectKey, ObjectMeta } from "./object.ts";

/** Resource says where objects of one kind live; T is only a type. */
export interface Resource<T extends KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: carries T, so that a client of one kind is not taken for a client of another. */
  readonly objectType?: (object: T) => T;
}

/** defineResource describes a kind: `defineResource<Lease>({ group: "coordination.k8s.io", ... })`. */
export function defineResource<T extends KubeObject>(resource: {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}): Resource<T> {
  return Object.freeze({ ...resource });
}

/** apiVersionOf is a kind's apiVersion: "v1", "coordination.k8s.io/v1". */
export function apiVersionOf(resource: { readonly group: string; readonly version: string }): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** collectionPath is the URL path of a kind's objects, in one namespace or (namespace "") in all. */
export function collectionPath(resource: Omit<Resource<KubeObject>, "objectType">, namespace: string): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  return resource.namespaced && namespace !== ""
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`
    : `${root}/${resource.plural}`;
}

/** objectPath is the URL path of one object. */
export function objectPath(resource: Omit<Resource<KubeObject>, "objectType">, key: ObjectKey): string {
  if (resource.namespaced && key.namespace === "") {
    throw new TypeError(`${resource.kind} ${key.name} is namespaced: its key needs a namespace`);
  }
  return `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
}

/** Secret is core/v1 Secret; the values are base64. */
export interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}

/** secrets is the resource of core/v1 Secrets. */
export const secrets = defineResource<Secret>({ group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true });

/** Lease is coordination.k8s.io/v1 Lease; times have microseconds. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

/** leases is the resource of coordination.k8s.io/v1 Leases. */
export const leases = defineResource<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
});

/** Event is events.k8s.io/v1 Event. */
export interface Event extends KubeObject {
  metadata: ObjectMeta;
  eventTime: string;
  reportingController: string;
  reportingInstance: string;
  type: "Normal" | "Warning";
  reason: string;
  action: string;
  note: string;
  regarding: { apiVersion?: string; kind?: string; namespace?: string; name?: string; uid?: string; resourceVersion?: string };
  series?: { count: number; lastObservedTime: string };
}

/** events is the resource of events.k8s.io/v1 Events. */
export const events = defineResource<Event>({
  group: "events.k8s.io",
  version: "v1",
  plural: "events",
  kind: "Event",
  namespaced: true,
});
