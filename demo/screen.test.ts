import { describe, expect, it } from "vitest";
import { Screen } from "./screen.ts";

function screenOn(output: { isTTY?: boolean; columns?: number }) {
  let written = "";
  let now = 10_000;
  const screen = new Screen({ ...output, write: (text: string) => (written += text) }, () => now);
  return {
    screen,
    pass: (ms: number) => (now += ms),
    take: () => {
      const text = written;
      written = "";
      return text;
    },
  };
}

describe("the screen", () => {
  it("writes the status in place on a terminal, with lines that stay above it", () => {
    const { screen, take } = screenOn({ isTTY: true });
    screen.status(["one", "two"]);
    expect(take()).toBe("one\ntwo\n");
    screen.status(["three"]);
    expect(take()).toBe("\u001b[2A\u001b[0Jthree\n");
    screen.say("said");
    expect(take()).toBe("\u001b[1A\u001b[0Jsaid\nthree\n");
    screen.settle();
    screen.say("after");
    expect(take()).toBe("after\n");
  });

  it("cuts lines that a terminal would wrap, since a wrapped line cannot be written over", () => {
    const { screen, take } = screenOn({ isTTY: true, columns: 8 });
    screen.status(["0123456789"]);
    expect(take()).toBe("0123456\n");
  });

  it("writes one plain line every two seconds anywhere else", () => {
    const { screen, pass, take } = screenOn({});
    screen.status(["a", "  b"]);
    screen.status(["dropped"]);
    pass(2_000);
    screen.status(["c"]);
    expect(take()).toBe("a; b\nc\n");
  });
});
