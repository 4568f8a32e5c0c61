import { describe, expect, it } from "vitest";
import { type Condition, getCondition, isTrue, setCondition } from "./conditions.ts";

const t0 = Date.parse("2026-01-01T00:00:00Z");
const t1 = Date.parse("2026-01-01T00:01:00Z");
const ready = { type: "Ready", status: "Unknown", reason: "AwaitingCheck", message: "" } as const;

describe("conditions", () => {
  it("adds a condition with the time of its first status", () => {
    const list: Condition[] = [];
    expect(setCondition(list, ready, t0)).toBe(true);
    expect(list).toEqual([{ ...ready, lastTransitionTime: "2026-01-01T00:00:00Z" }]);
  });

  it("says that nothing changed when nothing did", () => {
    const list: Condition[] = [];
    setCondition(list, { ...ready, observedGeneration: 1 }, t0);
    expect(setCondition(list, { ...ready, observedGeneration: 1 }, t1)).toBe(false);
  });

  it("moves the transition time with the status only", () => {
    const list: Condition[] = [];
    setCondition(list, ready, t0);
    expect(setCondition(list, { ...ready, reason: "Other", message: "m", observedGeneration: 2 }, t1)).toBe(true);
    expect(getCondition(list, "Ready")).toMatchObject({
      reason: "Other",
      observedGeneration: 2,
      lastTransitionTime: "2026-01-01T00:00:00Z",
    });
    expect(setCondition(list, { ...ready, status: "True" }, t1)).toBe(true);
    expect(getCondition(list, "Ready")?.lastTransitionTime).toBe("2026-01-01T00:01:00Z");
    expect(isTrue(list, "Ready")).toBe(true);
    expect(isTrue(list, "Other")).toBe(false);
    expect(isTrue(undefined, "Ready")).toBe(false);
  });

  it("keeps other conditions and frozen elements as they are", () => {
    const old = Object.freeze({ ...ready, lastTransitionTime: "2026-01-01T00:00:00Z" });
    const list: Condition[] = [{ ...old, type: "Other" }, old];
    setCondition(list, { ...ready, status: "False", reason: "Broken" }, t1);
    expect(list.map(({ type }) => type)).toEqual(["Other", "Ready"]);
    expect(old.status).toBe("Unknown");
  });

  it("cuts a message at 300 characters and never inside one", () => {
    const list: Condition[] = [];
    setCondition(list, { ...ready, message: `${"x".repeat(298)}🥿🥿` }, t0);
    const message = list[0]?.message ?? "";
    expect(message.length).toBe(300);
    expect(message.isWellFormed()).toBe(true);
    expect(setCondition(list, { ...ready, message: `${"x".repeat(298)}🥿🥿` }, t0)).toBe(false);
  });
});
