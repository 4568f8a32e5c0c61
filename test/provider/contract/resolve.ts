import { expect, test } from "vitest";
import type { Overrides } from "../../../src/api/v1alpha1/overrides.ts";
import { type OpenBench } from "./bench.ts";
import { shapeNames } from "./shape-class.ts";

/** describeResolve is what resolve() promises: a job gets what the class has, and else a reason; nothing is asked of the backend. */
export function describeResolve(open: OpenBench): void {
  test("resolve() of nothing is nothing", (context) => {
    const { provider, cls } = open(context);
    expect(provider.resolve(cls, {})).toEqual({ ok: true, overrides: {} });
  });

  test("resolve() takes what the class has as it is, and its answer once more without a policy", (context) => {
    const { provider, cls, subject } = open(context);
    const choices: Overrides[] = [
      { cpu: 2, memory: "8Gi" },
      { capacity: subject.rungs[1] },
      { size: shapeNames.size },
      { image: shapeNames.image },
      { securityGroup: shapeNames.securityGroup },
      { size: shapeNames.size, image: shapeNames.image, securityGroup: shapeNames.securityGroup, capacity: subject.rungs[0] },
    ];
    for (const overrides of choices) expect(provider.resolve(cls, overrides)).toEqual({ ok: true, overrides });
  });

  test("resolve() of what the class does not have gives sentences that begin with the label", (context) => {
    const { provider, cls } = open(context);
    const resolution = provider.resolve(cls, { image: "no-such-image" });
    expect(resolution.ok).toBe(false);
    if (resolution.ok) return;
    expect(resolution.problems.length).toBeGreaterThan(0);
    for (const problem of resolution.problems) expect(problem).toMatch(/^image=no-such-image: ./);
  });

  test("resolve() does not change what it is given", (context) => {
    const { provider, cls } = open(context);
    const overrides = Object.freeze<Overrides>({ cpu: 4 });
    const policy = Object.freeze({ cpu: { max: 8 }, memory: { max: "32Gi" } });
    const before = JSON.stringify(cls);
    const first = provider.resolve(cls, overrides, policy);
    expect(provider.resolve(cls, overrides, policy)).toEqual(first);
    expect(JSON.stringify(cls)).toBe(before);
  });
}
