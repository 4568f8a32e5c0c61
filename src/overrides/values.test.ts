import { describe, expect, it } from "vitest";
import { readCpu, readName, readQuantity } from "./values.ts";

describe("readCpu", () => {
  it.each<[string, number]>([
    ["4", 4],
    ["4.0", 4],
    ["0.25", 0.25],
    ["0.001", 0.001],
    ["04", 4],
    ["9999.999", 9999.999],
    ["4vcpu", 4],
    ["4vcpus", 4],
    ["4cpu", 4],
    ["0.5cpus", 0.5],
  ])("reads %s as %d", (text, value) => {
    expect(readCpu(text)).toEqual({ ok: true, value });
  });

  it.each([
    "",
    "0",
    "0.0",
    "-1",
    "+4",
    ".5",
    "4.",
    "4.0001",
    "10000",
    "1e1",
    "0x4",
    "4 vcpu",
    "4cores",
    "vcpu",
    "4,5",
    "NaN",
    "infinity",
    "٤",
    "4\n",
  ])("does not read %j", (text) => {
    expect(readCpu(text)).toEqual({ ok: false, problem: "write a number of vCPUs, such as 4 or 0.5" });
  });
});

describe("readQuantity", () => {
  it.each<[string, string]>([
    ["16g", "16Gi"],
    ["16gb", "16Gi"],
    ["16gi", "16Gi"],
    ["16gib", "16Gi"],
    ["16384m", "16Gi"],
    ["16384mb", "16Gi"],
    ["16384mi", "16Gi"],
    ["16384mib", "16Gi"],
    ["512mi", "512Mi"],
    ["1.5gi", "1536Mi"],
    ["1536mi", "1536Mi"],
    ["0.5gi", "512Mi"],
    ["016gi", "16Gi"],
  ])("reads %s as %s", (text, value) => {
    expect(readQuantity(text)).toEqual({ ok: true, value });
  });

  it.each<[string, string]>([
    ["", "write an amount, such as 16Gi"],
    ["gi", "write an amount, such as 16Gi"],
    ["-1gi", "write an amount, such as 16Gi"],
    ["1e3gi", "write an amount, such as 16Gi"],
    ["16 gi", "write an amount, such as 16Gi"],
    ["12345678gi", "write an amount, such as 16Gi"],
    ["16", "of what? Write 16Gi or 16Mi"],
    ["16t", "write the unit as Gi or Mi"],
    ["16ki", "write the unit as Gi or Mi"],
    ["16constructor", "write the unit as Gi or Mi"],
    ["16tostring", "write the unit as Gi or Mi"],
    ["0gi", "write a whole number of Mi"],
    ["0.5mi", "write a whole number of Mi"],
    ["1.001gi", "write a whole number of Mi"],
  ])("does not read %j: %s", (text, problem) => {
    expect(readQuantity(text)).toEqual({ ok: false, problem });
  });
});

describe("readName", () => {
  it.each(["a", "0", "node-22", "ubuntu-24.04", "a.b-c", "x".repeat(63)])("reads %s", (text) => {
    expect(readName(text)).toEqual({ ok: true, value: text });
  });

  it.each(["", "-a", "a-", ".", "a.", "a_b", "A", "a b", "a/b", "a=b", "a:1", "ä", "x".repeat(64), "a\n", "a\u0000"])(
    "does not read %j",
    (text) => {
      expect(readName(text)).toEqual({
        ok: false,
        problem: "write a name: a to z, 0 to 9, - and . between them, at most 63",
      });
    },
  );
});
