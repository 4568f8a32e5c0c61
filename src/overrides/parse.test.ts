import { describe, expect, it } from "vitest";
import { isOverrideLabel, parseLabels } from "./parse.ts";

const keys = "size, cpu, memory, disk, image, capacity, securityGroup";

describe("parseLabels", () => {
  it("leaves labels without a sign alone, and hands the very list on", () => {
    const labels = ["self-hosted", "Linux", "x64"];
    const parsed = parseLabels(labels);
    expect(parsed).toEqual({ plain: labels, labels: [], overrides: {}, problems: [], known: true });
    expect(parsed.plain).toBe(labels);
  });

  it("reads every key, and keeps the plain labels as they are spelled", () => {
    const parsed = parseLabels([
      "Self-Hosted",
      "cpu=4",
      "memory=16Gi",
      "disk=100GB",
      "image=node-22",
      "capacity=on-demand",
      "securityGroup=db-access",
    ]);
    expect(parsed).toEqual({
      plain: ["Self-Hosted"],
      labels: ["capacity=on-demand", "cpu=4", "disk=100gb", "image=node-22", "memory=16gi", "securitygroup=db-access"],
      overrides: {
        cpu: 4,
        memory: "16Gi",
        disk: "100Gi",
        image: "node-22",
        capacity: "on-demand",
        securityGroup: "db-access",
      },
      problems: [],
      known: true,
    });
  });

  it("ignores case and the order of labels, so that one choice is one bucket", () => {
    const one = parseLabels(["CPU=4", "Memory=16GIB", "ecs"]);
    const other = parseLabels(["ecs", "memory=16gib", "cpu=4"]);
    expect(one).toEqual(other);
    expect(one.overrides).toEqual({ cpu: 4, memory: "16Gi" });
  });

  it("takes the same label twice, in whatever case, for one", () => {
    expect(parseLabels(["cpu=4", "CPU=4", "cpu=4"])).toMatchObject({ labels: ["cpu=4"], overrides: { cpu: 4 }, problems: [] });
  });

  it("takes spaces around key and value for nothing", () => {
    expect(parseLabels(["cpu = 4 "])).toMatchObject({ overrides: { cpu: 4 }, problems: [] });
  });

  it.each<[string, readonly string[], readonly string[]]>([
    ["an unknown key", ["gpu=1"], [`gpu=1: no such override; there are ${keys}`]],
    ["no key", ["=4"], [`=4: no such override; there are ${keys}`]],
    ["nothing but the sign", ["="], [`=: no such override; there are ${keys}`]],
    [
      "a key of every object",
      ["constructor=1", "__proto__=1"],
      [`__proto__=1: no such override; there are ${keys}`, `constructor=1: no such override; there are ${keys}`],
    ],
    ["no value", ["cpu="], ["cpu=: write a number of vCPUs, such as 4 or 0.5"]],
    ["a second sign", ["image=a=b"], ["image=a=b: write a name: a to z, 0 to 9, - and . between them, at most 63"]],
    ["two values", ["cpu=4", "cpu=8"], ["cpu=8: there is cpu=4 too; name one"]],
    ["two values that mean the same", ["cpu=4", "cpu=4.0"], ["cpu=4.0: there is cpu=4 too; name one"]],
    ["a size and a cpu", ["size=large", "cpu=4"], ["cpu=4: size=large names cpu and memory already; use one of the two"]],
    [
      "a size and a memory",
      ["size=large", "memory=4Gi"],
      ["memory=4gi: size=large names cpu and memory already; use one of the two"],
    ],
    ["a bad value", ["memory=16"], ["memory=16: of what? Write 16Gi or 16Mi"]],
    [
      "all at once",
      ["cpu=x", "disk=0Gi"],
      ["cpu=x: write a number of vCPUs, such as 4 or 0.5", "disk=0gi: write a whole number of Mi"],
    ],
  ])("says what is wrong with %s", (_what, labels, problems) => {
    expect(parseLabels(labels).problems).toEqual(problems);
  });

  it("lets a size go with a disk", () => {
    expect(parseLabels(["size=large", "disk=50Gi"])).toMatchObject({ overrides: { size: "large", disk: "50Gi" }, problems: [] });
  });

  it("takes no other character for a letter of ours: GitHub would not find the runner by such a label", () => {
    expect(parseLabels(["dis\u212a=40Gi"]).problems).toEqual([`dis\u212a=40gi: no such override; there are ${keys}`]);
    expect(parseLabels(["image=\u212aernel"])).toMatchObject({ overrides: {}, labels: ["image=\u212aernel"] });
  });

  it("shows no character that a terminal obeys, and none that hides others", () => {
    const [problem = ""] = parseLabels(["cpu=\u001b[2J\u202e4\n\u2028"]).problems;
    expect(problem).toBe("cpu= [2j 4 : write a number of vCPUs, such as 4 or 0.5");
  });

  it("leaves out of the overrides what it cannot read, and keeps the rest", () => {
    expect(parseLabels(["cpu=many", "memory=8Gi"]).overrides).toEqual({ memory: "8Gi" });
  });

  it.each<[readonly string[], boolean]>([
    [["ecs"], true],
    [["cpu=4"], true],
    [["cpu=nonsense"], true],
    [["cpu=4", "spot=true"], false],
    [["spot=true"], false],
  ])("%j has keys of ours only: %s", (labels, known) => {
    expect(parseLabels(labels).known).toBe(known);
  });

  it("shows no more than 60 characters of a label, and no half of a character", () => {
    const long = parseLabels([`cpu=${"9".repeat(300)}`]).problems;
    expect(long).toEqual([`cpu=${"9".repeat(56)}…: write a number of vCPUs, such as 4 or 0.5`]);
    const [cut = ""] = parseLabels([`cpu=${"x".repeat(55)}😀`, "a"]).problems;
    expect(cut.isWellFormed()).toBe(true);
  });

  it("does not change the list that it is given", () => {
    const labels = Object.freeze(["memory=8Gi", "cpu=4", "ecs"]);
    expect(() => parseLabels(labels)).not.toThrow();
  });
});

describe("isOverrideLabel", () => {
  it.each<[string, boolean]>([
    ["cpu=4", true],
    ["=", true],
    ["cpu", false],
    ["cpu-4", false],
    ["", false],
  ])("%j: %s", (label, is) => {
    expect(isOverrideLabel(label)).toBe(is);
  });
});
