import { describe, expect, it } from "vitest";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import type { GitHub } from "../github/types.ts";
import { keyText } from "../kube/object.ts";
import { lifeOf } from "../request/testing.ts";
import { whereaboutsOf } from "./whereabouts.ts";

const cls = { kind: "ECSRunnerClass", namespace: "shared", name: "fargate" };
const app = (namespace: string) => ({ namespace, name: "app" });

function target(namespace: string, organization: string, creationTimestamp: string): RunnerTarget {
  const spec: Partial<RunnerTarget["spec"]> = {
    scope: { organization },
    githubAppRef: { name: "app" },
    classRef: { kind: "ECSRunnerClass", namespace: "shared", name: "fargate" },
  };
  const metadata = { namespace, name: "web", creationTimestamp };
  return { apiVersion: "getabako.dev/v1alpha1", kind: "RunnerTarget", metadata, spec } as RunnerTarget;
}

/** A class that two teams share; one of their Apps was deleted before it had a client. */
function world(targets: readonly RunnerTarget[], apps = ["team-a", "team-b"]) {
  const github = {} as GitHub;
  return (instance: Parameters<typeof whereaboutsOf>[3], request?: Parameters<typeof whereaboutsOf>[4]) =>
    whereaboutsOf(
      {
        target: (key) => targets.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === keyText(key)),
        github: ({ namespace }) => (apps.includes(namespace) ? github : undefined),
        appExists: ({ namespace }) => apps.includes(namespace),
      },
      () => targets,
      cls,
      instance,
      request,
    );
}

const a = { app: app("team-a"), scope: { organization: "a" } };
const b = { app: app("team-b"), scope: { organization: "b" } };
const teams = [target("team-a", "a", "2026-01-15T09:00:00Z"), target("team-b", "b", "2026-01-15T09:00:00Z")];

describe("whereaboutsOf", () => {
  it("is the scope of a known request alone: where its runner is registered, and its target's", () => {
    const request = lifeOf({ open: true });
    request.metadata.namespace = "team-a";
    expect(world(teams)({}, request)).toEqual({ likely: [a], others: [], lost: false });
    const runner = { name: "job-1-1", scope: { organization: "A" }, githubAppRef: app("team-a") };
    const registered = { ...request, status: { ...request.status, runner } } as typeof request;
    expect(world(teams)({}, registered).likely).toHaveLength(1);
    expect(world([])({}, registered).likely).toEqual([{ app: app("team-a"), scope: { organization: "A" } }]);
    expect(world(teams.slice(1))({}, request)).toEqual({ likely: [], others: [b], lost: true });
  });

  it("is the scope that an orphan itself names, whatever the targets are now", () => {
    const registeredIn = { app: "team-b/app", scope: "b" };
    expect(world(teams)({ registeredIn })).toEqual({ likely: [b], others: [], lost: false });
    expect(world([])({ registeredIn })).toEqual({ likely: [b], others: [], lost: false });
    const ofRepository = { app: "team-b/app", scope: "b/web" };
    expect(world(teams)({ registeredIn: ofRepository }).likely).toEqual([{ app: app("team-b"), scope: { repository: "b/web" } }]);
    // Its App is gone: not to find it elsewhere proves nothing.
    expect(world(teams, ["team-a"])({ registeredIn })).toEqual({ likely: [], others: [a], lost: true });
  });

  it("is every scope of the class for an orphan that names none, but those of Apps that are gone", () => {
    expect(world(teams)({})).toEqual({ likely: [], others: [a, b], lost: false });
    expect(world(teams, ["team-a"])({})).toEqual({ likely: [], others: [a], lost: false });
  });
});
