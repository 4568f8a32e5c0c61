import { describe, expect, it } from "vitest";
import { JoinedStore } from "./joined-store.ts";
import type { DeepReadonly, KubeObject } from "./object.ts";
import { VersionedStore } from "./store.ts";

function storeOf(namespace: string, names: readonly string[]): VersionedStore<KubeObject> {
  const store = new VersionedStore<KubeObject>({ first: ({ metadata }) => [metadata.name?.[0] ?? ""] });
  for (const [index, name] of names.entries()) {
    store.watched({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, resourceVersion: `${index + 1}` } });
  }
  return store;
}

describe("JoinedStore", () => {
  const parts = new Map([
    ["a", storeOf("a", ["apple", "pear"])],
    ["b", storeOf("b", ["apple"])],
  ]);
  const joined = new JoinedStore(parts);
  const names = (objects: Iterable<DeepReadonly<KubeObject>>): string[] =>
    [...objects].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);

  it("finds an object in its own namespace only", () => {
    expect(joined.get({ namespace: "b", name: "apple" })?.metadata.namespace).toBe("b");
    expect(joined.get({ namespace: "b", name: "pear" })).toBeUndefined();
    expect(joined.get({ namespace: "c", name: "apple" })).toBeUndefined();
  });

  it("lists, counts and indexes over all of them", () => {
    expect(joined.size).toBe(3);
    expect(names(joined.list())).toEqual(["a/apple", "a/pear", "b/apple"]);
    expect(names(joined.byIndex("first", "a"))).toEqual(["a/apple", "b/apple"]);
    expect(joined.countByIndex("first", "a")).toBe(2);
    expect(() => joined.countByIndex("last", "a")).toThrow(/no index "last"/);
  });

  it("shows what changes later", () => {
    const changing = storeOf("c", []);
    const store = new JoinedStore(new Map([["c", changing]]));
    changing.watched({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "plum", namespace: "c", resourceVersion: "9" } });
    expect(names(store.list())).toEqual(["c/plum"]);
  });
});
