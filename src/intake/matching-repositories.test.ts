import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { globMatches } from "../util/glob.ts";
import { admits } from "./matching.ts";
import { gitHubApp } from "./test-objects.ts";

describe("globMatches", () => {
  test.each([
    ["acme/web", "acme/web", true],
    ["acme/web", "ACME/Web", true],
    ["acme/web", "acme/web2", false],
    ["acme/*", "acme/web", true],
    ["acme/*", "acme-labs/web", false],
    ["*/web", "acme/web", true],
    ["*/*", "acme/web", true],
    ["acme/web*", "acme/web", true],
    ["acme/*-legacy", "acme/web-legacy", true],
    ["acme/*-legacy", "acme/web-legacy-2", false],
    ["acme/a*b*c", "acme/aXXbYYc", true],
    ["acme/a*b*c", "acme/acb", false],
    ["acme/**", "acme/web", true],
    // A dot is a dot, and nothing else that a regular expression would read is read as one.
    ["acme/web.site", "acme/webxsite", false],
    ["acme/web.site", "acme/web.site", true],
    ["*", "acme/web", false],
    ["a*/b", "a/x/b", false],
  ])("%s against %s: %s", (glob, repository, expected) => {
    expect(globMatches(glob, repository)).toBe(expected);
  });

  test("a glob of many stars is decided at once", () => {
    const started = performance.now();
    expect(globMatches(`a/${"*a".repeat(60)}*b`, `a/${"a".repeat(130)}`)).toBe(false);
    // A regular expression would take years.
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test("agrees with the regular expression that it stands for", () => {
    const glob = fc.stringMatching(/^[ab*.]{0,6}\/[ab*.]{0,6}$/);
    const name = fc.stringMatching(/^[abAB.]{0,6}\/[abAB.]{0,6}$/);
    fc.assert(
      fc.property(glob, name, (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll(".", "\\.").replace(/\*+/g, "[^/]*")}$`, "i");
        expect(globMatches(pattern, text)).toBe(expression.test(text));
      }),
      { numRuns: 1_000 },
    );
  });
});

test("admits is about the namespace and the repository alone", () => {
  const shared = gitHubApp({ access: [{ namespaces: ["team"], repositories: ["acme/*"] }] });
  expect(admits(shared, "team", "acme/web")).toBe(true);
  expect(admits(shared, "team", "other/web")).toBe(false);
  expect(admits(shared, "ci", "acme/web")).toBe(false);
  expect(admits(gitHubApp(), "ci", "anything/at-all")).toBe(true);
});
