import { describe, expect, it } from "vitest";
import type { OverridePolicy, Overrides } from "../api/v1alpha1/overrides.ts";
import { policyProblems } from "./policy.ts";

const who = "RunnerTarget web";
const problems = (overrides: Overrides, policy?: OverridePolicy): string[] => policyProblems(overrides, policy, who);

describe("policyProblems", () => {
  it("has nothing against a job that asks for nothing, whatever the policy", () => {
    expect(problems({})).toEqual([]);
    expect(problems({}, {})).toEqual([]);
  });

  it("allows nothing without a policy", () => {
    expect(problems({ cpu: 4, image: "node-22" })).toEqual([
      "cpu=4: RunnerTarget web allows no overrides",
      "image=node-22: RunnerTarget web allows no overrides",
    ]);
  });

  it("allows no key that the policy leaves out, and says which there are", () => {
    expect(problems({ cpu: 4 }, { memory: { max: "8Gi" }, image: {} })).toEqual([
      "cpu=4: RunnerTarget web does not allow cpu, only memory, image",
    ]);
    expect(problems({ cpu: 4 }, {})).toEqual(["cpu=4: RunnerTarget web does not allow cpu"]);
  });

  it.each<[Overrides, OverridePolicy, string[]]>([
    [{ cpu: 8 }, { cpu: { max: 8 } }, []],
    [{ cpu: 64 }, { cpu: { max: 8 } }, ["cpu=64: RunnerTarget web allows at most 8"]],
    [{ cpu: 2 }, { cpu: { min: 2, max: 8 } }, []],
    [{ cpu: 1 }, { cpu: { min: 2, max: 8 } }, ["cpu=1: RunnerTarget web allows 2 at least"]],
    [{ memory: "32Gi" }, { memory: { max: "32Gi" } }, []],
    [{ memory: "32Gi" }, { memory: { max: "32768Mi" } }, []],
    [{ memory: "32769Mi" }, { memory: { max: "32Gi" } }, ["memory=32769Mi: RunnerTarget web allows at most 32Gi"]],
    [{ memory: "512Mi" }, { memory: { min: "1Gi", max: "32Gi" } }, ["memory=512Mi: RunnerTarget web allows 1Gi at least"]],
    [{ disk: "100Gi" }, { disk: { max: "99G" } }, ["disk=100Gi: RunnerTarget web allows at most 99G"]],
  ])("holds %j against %j", (overrides, policy, expected) => {
    expect(problems(overrides, policy)).toEqual(expected);
  });

  it.each<[Overrides, OverridePolicy, string[]]>([
    [{ image: "node-22" }, { image: {} }, []],
    [{ image: "node-22" }, { image: { allow: ["node-*"] } }, []],
    [{ image: "node-22" }, { image: { allow: ["*"] } }, []],
    [{ image: "node-22" }, { image: { allow: ["node"] } }, ["image=node-22: RunnerTarget web allows node"]],
    [{ size: "huge" }, { size: { allow: ["small", "large"] } }, ["size=huge: RunnerTarget web allows small, large"]],
    [{ capacity: "spot" }, { capacity: { allow: ["on-demand"] } }, ["capacity=spot: RunnerTarget web allows on-demand"]],
    [{ securityGroup: "db" }, { securityGroup: { allow: ["db-*"] } }, ["securityGroup=db: RunnerTarget web allows db-*"]],
    [
      { image: "zig" },
      { image: { allow: Array.from({ length: 10 }, (_, index) => `i${index}`) } },
      ["image=zig: RunnerTarget web allows i0, i1, i2, i3, i4, i5, i6, i7 and 2 more"],
    ],
  ])("looks for %j in %j", (overrides, policy, expected) => {
    expect(problems(overrides, policy)).toEqual(expected);
  });

  it("tells everything that is wrong, in the order of the keys", () => {
    expect(problems({ image: "a", cpu: 64, size: "b" }, { cpu: { max: 8 } })).toEqual([
      "size=b: RunnerTarget web does not allow size, only cpu",
      "cpu=64: RunnerTarget web allows at most 8",
      "image=a: RunnerTarget web does not allow image, only cpu",
    ]);
  });
});
