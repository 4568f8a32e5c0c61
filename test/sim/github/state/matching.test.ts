import { describe, expect, it } from "vitest";
import { labelsMatch } from "./matching.ts";

describe("labels", () => {
  it.each([
    { job: ["self-hosted", "ecs"], runner: ["self-hosted", "ecs", "x64"], match: true },
    { job: ["Self-Hosted", "ECS"], runner: ["self-hosted", "ecs"], match: true },
    { job: ["ecs"], runner: ["ECS"], match: true },
    { job: ["self-hosted", "gpu"], runner: ["self-hosted"], match: false },
    { job: [], runner: ["anything"], match: true },
    { job: ["ubuntu-latest"], runner: ["ubuntu-latest"], match: true },
    { job: ["ecs", "ecs"], runner: ["ecs"], match: true },
  ])("$job fit a runner with $runner: $match", ({ job, runner, match }) => {
    expect(labelsMatch(job, runner)).toBe(match);
  });
});
