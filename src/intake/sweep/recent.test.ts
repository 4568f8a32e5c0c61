import { describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { keyOf } from "../../kube/object.ts";
import { VersionedStore } from "../../kube/store.ts";
import { newRequest } from "../../request/testing.ts";
import { isoTime } from "../../util/clock.ts";
import { gitHubApp, runnerTarget } from "../test-objects.ts";
import type { SweptApp } from "./apps.ts";
import { periods } from "./periods.ts";
import { RecentRepositories, type RecentOptions } from "./recent.ts";

const now = Date.parse("2026-01-15T12:00:00Z");
const ago = (hours: number): string => isoTime(now - hours * 3_600_000);

function appWith(recentRepositories: readonly { name: string; seenAt: string }[] = []): SweptApp {
  const object = { ...gitHubApp(), status: { recentRepositories: [...recentRepositories] } };
  return { key: "app", host: "github.com", objects: [object], github: {} as SweptApp["github"] };
}

function newMemory(): { memory: RecentRepositories; note: (repository: string, hoursAgo: number) => void } {
  const targets = new VersionedStore<RunnerTarget>({});
  const target = runnerTarget();
  targets.watched({ ...target, metadata: { ...target.metadata, resourceVersion: "1" } });
  const options = { targets, requests: { onChange: () => () => undefined }, periods, clock: { now: () => now } };
  const memory = new RecentRepositories(options as unknown as RecentOptions);
  const { namespace, name } = keyOf(target);
  return {
    memory,
    note: (repository, hoursAgo) => {
      const request = newRequest({ createdAt: ago(hoursAgo), job: { repository } });
      const spec = { ...request.spec, targetRef: { name } };
      memory.note({ ...request, metadata: { ...request.metadata, namespace }, spec } satisfies RunnerRequest);
    },
  };
}

describe("RecentRepositories", () => {
  it("knows what was seen in the last day, by this process or the one before, once and the newest first", () => {
    const { memory, note } = newMemory();
    note("acme/web", 3);
    note("Acme/Web", 2);
    note("acme/old", 25);
    const stored = [
      { name: "acme/WEB", seenAt: ago(10) },
      { name: "acme/api", seenAt: ago(1) },
      // Seen at some time in that hour, and not.
      { name: "acme/edge", seenAt: ago(24.5) },
      { name: "acme/gone", seenAt: ago(25) },
      { name: "acme/future", seenAt: ago(-2) },
    ];
    expect(memory.of(appWith(stored)).map(({ name }) => name)).toEqual(["acme/api", "Acme/Web", "acme/edge"]);
  });

  it("remembers a thousand of an App, the last ones seen", () => {
    const { memory, note } = newMemory();
    for (let index = 0; index < 1_100; index += 1) note(`acme/r${index}`, 1);
    note("acme/r100", 0.5);
    const names = memory.of(appWith()).map(({ name }) => name);
    expect(names).toHaveLength(1_000);
    expect(names[0]).toBe("acme/r100");
    expect(names).not.toContain("acme/r99");
  });
});
