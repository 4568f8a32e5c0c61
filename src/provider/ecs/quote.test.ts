import { expect, test } from "vitest";
import { quote } from "./quote.ts";

test("a text becomes one line without control characters", () => {
  expect(quote("  no such\n\trole\u0000 here \u001b[31m")).toBe("no such role here [31m");
});

test("a long text is cut, and says so", () => {
  const quoted = quote("word ".repeat(100), 50);
  expect(quoted.length).toBeLessThanOrEqual(50);
  expect(quoted).toMatch(/\.\.\.$/);
});

test("what is long enough to be a credential or a JIT configuration is left out", () => {
  const secret = "eyJhbGciOi".repeat(12);
  expect(quote(`bad value ${secret}== for field`, 300)).toBe("bad value [cut] for field");
});

test("ARNs of tasks and roles stay readable", () => {
  const arn = "arn:aws:ecs:us-east-1:123456789012:task/runners/0123456789abcdef0123456789abcdef";
  expect(quote(`task ${arn}`)).toBe(`task ${arn}`);
});

test("nothing gives nothing", () => {
  expect(quote(undefined)).toBe("");
});
