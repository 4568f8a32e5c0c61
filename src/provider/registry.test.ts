import { expect, expectTypeOf, test } from "vitest";
import { silentLogger } from "../telemetry/log.ts";
import { systemClock } from "../util/clock.ts";
import { type ClassKind, type ClosableProvider, type ProviderModule, ProviderRegistry } from "./registry.ts";

const dependencies = { clock: systemClock, log: silentLogger() };

function provider(classKind: string, close?: () => void): ClosableProvider {
  return {
    classKind,
    capabilities: { idempotentCreate: true, observable: true, listable: true },
    connection: () => ({}),
    resolve: (_, overrides) => ({ ok: true, overrides }),
    create: () => Promise.reject(new Error("not here")),
    get: async () => new Map(),
    delete: async () => {},
    list: async function* () {},
    check: async () => ({ findings: [] }),
    ...(close !== undefined && { close }),
  };
}

const modules = [
  { classKind: "A", create: () => provider("A") },
  { classKind: "B", create: () => provider("B") },
] as const satisfies readonly ProviderModule[];

test("a provider is found by the kind of its classes", () => {
  const registry = new ProviderRegistry(modules, dependencies);
  expect(registry.get("A")?.classKind).toBe("A");
  expect(registry.get("C")).toBeUndefined();
  expect(registry.kinds).toEqual(["A", "B"]);
});

test("the class kinds of a list of modules are a type", () => {
  expectTypeOf<ClassKind<typeof modules>>().toEqualTypeOf<"A" | "B">();
});

test("every provider is decorated", () => {
  const registry = new ProviderRegistry(modules, dependencies, (inner) => ({
    ...inner,
    classKind: `decorated ${inner.classKind}`,
  }));
  expect(registry.get("B")?.classKind).toBe("decorated B");
});

test("two providers for one kind are refused", () => {
  expect(() => new ProviderRegistry([...modules, modules[0]], dependencies)).toThrow("two providers serve A");
});

test("closing closes those that hold connections, through any decorator", async () => {
  let closed = 0;
  const closable: ProviderModule = { classKind: "C", create: () => provider("C", () => void closed++) };
  const registry = new ProviderRegistry([...modules, closable], dependencies, (inner) => ({ ...provider(inner.classKind) }));
  await registry.close();
  expect(closed).toBe(1);
});
