import { describe, expect, it } from "vitest";
import { changes } from "./changes.ts";

const wanted = [{ path: "a.yaml", content: "one\ntwo\nthree\n" }];

describe("changes", () => {
  it("are none when everything is as it should be", () => {
    expect(changes(new Map([["a.yaml", "one\ntwo\nthree\n"]]), wanted)).toEqual([]);
  });

  it("name a missing file", () => {
    expect(changes(new Map(), wanted)).toEqual([{ ...wanted[0], summary: "  missing" }]);
  });

  it("show what differs in a stale one", () => {
    const [change] = changes(new Map([["a.yaml", "one\nzwei\nthree\n"]]), wanted);
    expect(change?.summary).toBe("  from line 2:\n  - zwei\n  + two");
  });

  it("show a line that only stands too often", () => {
    const [change] = changes(new Map([["a.yaml", "one\ntwo\nthree\nthree\n"]]), wanted);
    expect(change?.summary).toBe("  from line 4:\n  - three");
  });

  it("shorten what is long", () => {
    const [change] = changes(new Map([["a.yaml", "x\n".repeat(20)]]), wanted);
    expect(change?.summary.split("\n")).toHaveLength(8);
    expect(change?.summary).toMatch(/\n {2}\.\.\. and 17 more lines$/);
  });

  it("name a file that nothing generates any more, without a content", () => {
    expect(
      changes(
        new Map([
          ["a.yaml", "one\ntwo\nthree\n"],
          ["b.yaml", "x"],
        ]),
        wanted,
      ),
    ).toEqual([{ path: "b.yaml", summary: "  nothing generates this file" }]);
  });
});
