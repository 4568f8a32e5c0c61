import { describe, expect, it } from "vitest";
import { deepFreeze, type DeepReadonly, type KubeObject, keyOf } from "./object.ts";
import { type Change, specChanged, VersionedStore } from "./store.ts";

interface Thing extends KubeObject {
  spec: { owner: string; tags?: string[] };
}

function thing(name: string, version: number, owner = "o", tags: string[] = []): DeepReadonly<Thing> {
  const metadata = { namespace: "ns", name, resourceVersion: String(version) };
  return deepFreeze({ apiVersion: "v1", kind: "Thing", metadata, spec: { owner, tags } });
}

const newStore = (): VersionedStore<Thing> =>
  new VersionedStore<Thing>({ owner: (object) => [object.spec.owner], tag: (object) => object.spec.tags ?? [] });
const key = (name: string) => ({ namespace: "ns", name });
const namesOf = (objects: Iterable<DeepReadonly<Thing>>): string[] =>
  [...objects].map((object) => object.metadata.name).toSorted();
const short = (change: Change<DeepReadonly<Thing>> | undefined): string =>
  change === undefined ? "nothing" : `${change.type} ${keyOf(change.type === "delete" ? change.old : change.new).name}`;

describe("VersionedStore", () => {
  it("tells an add, an update and a delete, with old and new", () => {
    const store = newStore();
    const first = thing("a", 1);
    const second = thing("a", 2);
    expect(store.watched(first)).toEqual({ type: "add", new: first });
    expect(store.watched(second)).toEqual({ type: "update", old: first, new: second });
    expect(store.deleted(thing("a", 3))).toEqual({ type: "delete", old: second });
    expect(store.size).toBe(0);
  });

  it("keeps its indexes in step with adds, updates, deletes and lists", () => {
    const store = newStore();
    store.watched(thing("a", 1, "x", ["t1", "t2"]));
    store.watched(thing("b", 2, "x"));
    expect(namesOf(store.byIndex("owner", "x"))).toEqual(["a", "b"]);
    expect(store.countByIndex("tag", "t1")).toBe(1);
    store.watched(thing("a", 3, "y", ["t2", "t3"]));
    expect(namesOf(store.byIndex("owner", "x"))).toEqual(["b"]);
    expect(namesOf(store.byIndex("owner", "y"))).toEqual(["a"]);
    expect([store.countByIndex("tag", "t1"), store.countByIndex("tag", "t2"), store.countByIndex("tag", "t3")]).toEqual([
      0, 1, 1,
    ]);
    expect([...store.byIndex("tag", "t2")][0]?.metadata.resourceVersion).toBe("3");
    store.deleted(thing("b", 4));
    expect(store.countByIndex("owner", "x")).toBe(0);
    void [...store.replace([], "9")];
    expect(store.countByIndex("owner", "y")).toBe(0);
  });

  it("says which indexes there are when asked for another", () => {
    expect(() => newStore().countByIndex("color", "red")).toThrow('there is no index "color"; the informer has owner, tag');
  });

  it("ignores an event that it knows already, or that is older than what it knows", () => {
    const store = newStore();
    store.watched(thing("a", 1));
    expect(short(store.observed(thing("a", 5)))).toBe("update a");
    expect(short(store.watched(thing("a", 3)))).toBe("nothing");
    expect(short(store.watched(thing("a", 5)))).toBe("nothing");
    expect(store.get(key("a"))?.metadata.resourceVersion).toBe("5");
  });

  it("orders versions as numbers", () => {
    const store = newStore();
    store.watched(thing("a", 9));
    expect(short(store.watched(thing("a", 10)))).toBe("update a");
    expect(store.version).toBe("10");
  });

  it("does not bring back what was deleted when the answer to an older write comes late", () => {
    const store = newStore();
    store.watched(thing("a", 1));
    store.deleted(thing("a", 7));
    expect(short(store.observed(thing("a", 5)))).toBe("nothing");
    expect(store.size).toBe(0);
  });

  it("keeps an object that was made again while the deletion of the one before was still to come", () => {
    const store = newStore();
    store.watched(thing("a", 1));
    store.observed(thing("a", 8, "new"));
    expect(short(store.deleted(thing("a", 6)))).toBe("nothing");
    expect(store.get(key("a"))?.spec.owner).toBe("new");
  });

  it("tells what changed while it was away, and nothing else", () => {
    const store = newStore();
    for (const name of ["gone", "changed", "same"]) store.watched(thing(name, 1));
    const changes = [...store.replace([thing("changed", 4), thing("same", 1), thing("added", 3)], "5")];
    expect(changes.map(short).toSorted()).toEqual(["add added", "delete gone", "update changed"]);
    expect(store.version).toBe("5");
  });

  it("keeps what its own writes made after the list was taken", () => {
    const store = newStore();
    store.watched(thing("old", 1));
    store.observed(thing("made", 20));
    store.observed(thing("old", 21, "written"));
    expect([...store.replace([thing("old", 1)], "10")]).toEqual([]);
    expect(namesOf(store.list())).toEqual(["made", "old"]);
    expect(store.get(key("old"))?.spec.owner).toBe("written");
    // The watch has caught up, so the next list counts.
    store.watched(thing("made", 20));
    store.watched(thing("old", 21));
    expect([...store.replace([], "30")].map(short).toSorted()).toEqual(["delete made", "delete old"]);
  });

  it("believes a list from a server that was set back to a backup", () => {
    const store = newStore();
    store.watched(thing("a", 1_000, "after the backup"));
    store.watched(thing("b", 1_001));
    store.observed(thing("c", 1_002));
    store.watched(thing("c", 1_002));
    const changes = [...store.replace([thing("a", 400, "in the backup")], "500")];
    expect(changes.map(short).toSorted()).toEqual(["delete b", "delete c", "update a"]);
    expect(store.version).toBe("500");
    expect(short(store.watched(thing("a", 501)))).toBe("update a");
  });

  it("hands out only frozen objects", () => {
    const store = newStore();
    store.watched(thing("a", 1, "x", ["t"]));
    const object = store.get(key("a")) as Thing;
    expect(() => object.spec.tags?.push("u")).toThrow(TypeError);
    expect(() => (object.metadata.name = "b")).toThrow(TypeError);
  });
});

describe("specChanged", () => {
  const object = (uid: string, generation: number): DeepReadonly<Thing> => {
    const plain = thing("a", 1);
    return { ...plain, metadata: { ...plain.metadata, uid, generation } };
  };

  it("is about what people write: also of an object that was made again while the watch was cut", () => {
    const before = object("u1", 1);
    expect(specChanged({ type: "update", old: before, new: object("u1", 1) })).toBe(false);
    expect(specChanged({ type: "update", old: before, new: object("u1", 2) })).toBe(true);
    expect(specChanged({ type: "update", old: before, new: object("u2", 1) })).toBe(true);
    expect(specChanged({ type: "add", new: before })).toBe(true);
    expect(specChanged({ type: "delete", old: before })).toBe(true);
  });
});
