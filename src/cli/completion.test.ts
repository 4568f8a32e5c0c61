import { describe, expect, it } from "vitest";
import { commands } from "./commands.ts";
import { completion, shells } from "./completion.ts";
import { OptionsError } from "./flags.ts";

function print(...args: string[]): string {
  let text = "";
  const output = { out: (part: string) => void (text += part), err: () => undefined, live: false, colours: false };
  expect(completion(commands, args, { output })).toBe(0);
  return text;
}

describe("the completion", () => {
  it.each(shells)("of %s knows every command and every option", (shell) => {
    const text = print(shell);
    for (const { name, flags } of commands) {
      expect(text).toContain(name);
      for (const { flag } of flags) expect(text).toContain(flag);
    }
    expect(text).toContain("private public internal");
  });

  it("is for one shell, of those that there are", () => {
    for (const args of [[], ["tcsh"], ["bash", "zsh"]]) expect(() => print(...args)).toThrow(OptionsError);
  });
});
