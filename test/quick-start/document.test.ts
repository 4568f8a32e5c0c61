import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { readSteps } from "./document.ts";

const block = (info: string, ...lines: readonly string[]): string => `\`\`\`${info}\n${lines.join("\n")}\n\`\`\`\n`;

describe("the steps of a document", () => {
  it("are its blocks of sh, in order, each with what the next block of text shows", () => {
    const text = [
      "# Title",
      block("sh first-terminal", "serve"),
      block("text", "ready"),
      "## Look",
      block("yaml", "a: 1"),
      block("sh", "# A comment", "get a", "get b"),
      "It prints",
      block("text", "A  B", "...", "", "C"),
      block("sh ctrl-c", "watch"),
      block("text", "D"),
      block("sh", "end"),
    ].join("\n");
    expect(readSteps(text).map(({ line: _line, ...step }) => step)).toEqual([
      { title: "Title: serve", commands: "serve\n", ends: "last", expected: ["ready"] },
      { title: "Look: get a", commands: "# A comment\nget a\nget b\n", ends: "itself", expected: ["A  B", "C"] },
      { title: "Look: watch", commands: "watch\n", ends: "ctrl-c", expected: ["D"] },
      { title: "Look: end", commands: "end\n", ends: "itself", expected: [] },
    ]);
  });

  it.each([
    ["a block that does not end", "```sh\nls", "line 1: the block does not end"],
    ["an output of nothing", block("text", "A"), "line 1: no commands print this"],
    ["a second output", block("sh", "ls") + block("text", "A") + block("text", "B"), "line 7: no commands print this"],
    ["an unknown word", block("sh forever", "ls"), 'line 1: "forever" is none of'],
    ["a watch without an end", block("sh ctrl-c", "ls"), "line 1: nothing says when to go on"],
  ])("refuse %s", (_name, text, message) => {
    expect(() => readSteps(text)).toThrow(message);
  });

  it("are many in docs/quick-start.md, and end with the cluster", async () => {
    const steps = readSteps(await readFile(new URL("../../docs/quick-start.md", import.meta.url), "utf8"));
    expect(steps.length).toBeGreaterThan(10);
    expect(steps.filter(({ ends }) => ends === "last").map(({ commands }) => commands)).toEqual(["npm run playground\n"]);
    // What a reader cannot see fail is no test of what is said.
    expect(steps.filter(({ expected }) => expected.length > 0).length).toBeGreaterThan(steps.length / 2);
  });
});
