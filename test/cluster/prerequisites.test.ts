import { describe, expect, it } from "vitest";
import { installPlan, type Machine, nodePrerequisites } from "./prerequisites.ts";

function machine(isRoot: boolean, ...has: string[]): Machine {
  return { isRoot, has: (command) => has.includes(command) };
}

const everything = nodePrerequisites.map(({ command }) => command);

describe("installPlan", () => {
  it("installs nothing where nothing is missing", () => {
    expect(installPlan(machine(false, ...everything), nodePrerequisites)).toEqual([]);
  });

  it("installs each missing package once, as root on Debian", () => {
    const has = everything.filter((command) => !["containerd", "ctr", "iptables"].includes(command));
    expect(installPlan(machine(true, "apt-get", ...has), nodePrerequisites)).toEqual(["containerd", "iptables"]);
  });

  it.each([
    [
      "a plain user on Debian",
      machine(false, "apt-get"),
      /missing: containerd, ctr, runc.* as root: apt-get install .*containerd/,
    ],
    ["root elsewhere", machine(true), /missing: .*your system's package manager .*containernetworking-plugins/],
  ])("tells %s everything that is missing in one message", (_, one, message) => {
    expect(() => installPlan(one, nodePrerequisites)).toThrow(message);
  });
});
