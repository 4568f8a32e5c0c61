import { expect, test } from "vitest";
import { isProviderError } from "../errors.ts";
import { envFile } from "./env-file.ts";

test("a value is written as it is, without quotes, as one line", () => {
  const value = `eyJ+/abc==${"x".repeat(5_000)}`;
  expect(envFile("JIT", value)).toBe(`JIT=${value}\n`);
});

test.each([
  ["a line feed", "a\nINJECTED=1"],
  ["a carriage return", "a\rb"],
  ["a line separator", "a\u2028b"],
  ["a NUL", "a\0b"],
  ["spaces around it", " a"],
  ["half a character", "a\ud800"],
  ["nothing in it", ""],
])("a value with %s is refused, in words that do not show it", (_title, value) => {
  const thrown = ((): unknown => {
    try {
      return envFile("JIT", `${value}`);
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toMatchObject({ name: "ProviderError", code: "Internal", message: expect.stringMatching(/^JIT cannot be/) });
  expect(isProviderError(thrown) && thrown.message.includes("INJECTED")).toBe(false);
});
