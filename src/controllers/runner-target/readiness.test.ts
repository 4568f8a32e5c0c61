import { describe, expect, it } from "vitest";
import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { judge } from "./readiness.ts";

const ready = {
  type: "Ready",
  status: "True" as const,
  reason: "Ready",
  message: "",
  lastTransitionTime: "2026-01-15T09:00:00Z",
  observedGeneration: 1,
};

/** What is said of a target of namespace team-web that uses the App of namespace platform. */
function verdict(
  scope: RunnerTarget["spec"]["scope"],
  access: GitHubApp["spec"]["access"],
): { status: string; reason: string; message: string } {
  const target = {
    metadata: { name: "web", namespace: "team-web", generation: 1 },
    spec: { scope, paused: false },
  } as unknown as RunnerTarget;
  const app = {
    metadata: { name: "acme", namespace: "platform", generation: 1 },
    spec: { ...(access !== undefined && { access }) },
    status: { conditions: [ready] },
  } as unknown as GitHubApp;
  const cls = { generation: 1, access: [{ namespaces: ["team-web"] }], ready };
  return judge(
    target,
    { key: { namespace: "platform", name: "acme" }, found: app },
    { kind: "ECSRunnerClass", key: { namespace: "platform", name: "fargate" }, found: cls },
  );
}

describe("a target with an App that gives its namespace some repositories", () => {
  const some = (...repositories: string[]): GitHubApp["spec"]["access"] => [{ namespaces: ["team-web"], repositories }];

  it.each([
    ["its repository, when it is among them", { repository: "acme/web-shop" }, some("acme/web*"), "True"],
    ["no other repository", { repository: "acme/payments" }, some("acme/web*"), "False"],
    ["no whole organization, whose jobs its runners would take", { organization: "acme" }, some("acme/web*"), "False"],
    ["the organization, when all of it is given", { organization: "acme" }, some("acme/*"), "True"],
    ["the organization, when everything is given", { organization: "acme" }, some("*/*"), "True"],
    ["the organization, when the grant names no repositories", { organization: "acme" }, [{ namespaces: ["team-web"] }], "True"],
    [
      "nothing of what another namespace was given",
      { repository: "acme/web" },
      [{ namespaces: ["team-api"], repositories: ["acme/*"] }],
      "False",
    ],
    [
      "the organization, when one of two grants is without bounds",
      { organization: "acme" },
      [...(some("acme/web") ?? []), { namespaces: ["team-web"] }],
      "True",
    ],
  ] as const)("serves %s", (_, scope, access, status) => {
    const said = verdict({ ...scope }, structuredClone(access) as GitHubApp["spec"]["access"]);
    expect(said).toMatchObject({ status, reason: status === "True" ? "Ready" : "GitHubAppAccessDenied" });
  });

  it("says what to do", () => {
    expect(verdict({ organization: "acme" }, some("acme/web*")).message).toMatch(
      /make a RunnerTarget for each repository .* or have its owner grant acme\/\*/,
    );
    expect(verdict({ repository: "acme/payments" }, some("acme/web*")).message).toContain(
      "does not give acme/payments to namespace team-web",
    );
  });
});
