import { expect, it } from "vitest";
import { organizationParameters, repositoryParameters, scopeOwner } from "./scope.ts";

it("repositoryParameters splits a full name", () => {
  expect(repositoryParameters("acme/web.site_2-x")).toEqual({ owner: "acme", repo: "web.site_2-x" });
  expect(scopeOwner({ repository: "Acme-Inc/web" })).toBe("Acme-Inc");
  expect(scopeOwner({ organization: "acme" })).toBe("acme");
});

it.each(["web", "acme/", "/web", "acme/web/x", "acme/..", "acme/.", "ac me/web", "acme/we%2fb", "", "acme/web?x"])(
  "%j is no repository",
  (name) => {
    expect(() => repositoryParameters(name)).toThrow(expect.objectContaining({ code: "Invalid" }));
  },
);

it.each(["", "acme/web", "..", "a b"])("%j is no organisation", (name) => {
  expect(() => organizationParameters(name)).toThrow(expect.objectContaining({ code: "Invalid" }));
});
