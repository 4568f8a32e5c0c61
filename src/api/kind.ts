import type { z } from "zod";

/** apiGroup and apiVersion of everything getabako defines. */
export const group = "getabako.dev";
export const version = "v1alpha1";
export const apiVersion = `${group}/${version}`;

/** OwnMetadata is the part of ObjectMeta that getabako reads; timestamps are RFC 3339 strings, as the API server sends them. */
export interface OwnMetadata {
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
}

/** ApiObject is one object of a kind, as read: defaults are filled in, since the API server did it on admission. */
export interface ApiObject<Spec, Status> {
  apiVersion: string;
  kind: string;
  metadata: OwnMetadata;
  spec: Spec;
  status?: Status;
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** 0 is always shown, 1 only with `-o wide`. */
  readonly priority: 0 | 1;
}

/** KindDefinition is everything the CRD, its reference page and the clients are generated from. */
export interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  /** CEL rules on the whole object, where metadata is needed. */
  readonly validations?: readonly Validation[];
  readonly columns: readonly PrinterColumn[];
  readonly selectableFields?: readonly string[];
}

/** Validation is one entry of `x-kubernetes-validations`. */
export interface Validation {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly fieldPath?: string;
  readonly reason?: "FieldValueInvalid" | "FieldValueForbidden" | "FieldValueRequired";
}

/** cel attaches CEL rules to a schema; use it as `schema.meta(cel({ rule, message }))`. */
export function cel(...validations: readonly Validation[]): { "x-kubernetes-validations": readonly Validation[] } {
  return { "x-kubernetes-validations": validations };
}

/** listMap declares a list that the API server merges by keys. */
export function listMap(...keys: readonly string[]): Record<string, unknown> {
  return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys };
}

/** listSet declares a list of unique scalars. */
export const listSet: Record<string, unknown> = { "x-kubernetes-list-type": "set" };

/** atomicList declares a list that is always replaced as a whole. */
export const atomicList: Record<string, unknown> = { "x-kubernetes-list-type": "atomic" };
