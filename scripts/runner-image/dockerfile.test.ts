import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ecsRunnerClassSpecSchema } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import { registeredDefinition } from "../../src/provider/ecs/task-definition.ts";
import { instructionsOf, lastStage } from "../image/dockerfile.ts";
import { folder } from "./folder.ts";

const instructions = instructionsOf(readFileSync(`${folder}Dockerfile`, "utf8"));
const image = lastStage(instructions);
const values = (name: string): string[] => image.filter(([each]) => each === name).map(([, rest]) => rest);
const environment = new Map(
  values("ENV")
    .flatMap((rest) => rest.split(/\s+/))
    .map((pair) => pair.split("=", 2) as [string, string]),
);
const shellFiles = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".sh"));

/** The task definition of a class that sets nothing but what it has to. */
const spec = ecsRunnerClassSpecSchema.parse({
  region: "ap-northeast-1",
  cluster: "runners",
  capacity: [{ name: "on-demand", providers: [{ name: "FARGATE" }] }],
  network: { subnets: ["subnet-a"], securityGroups: ["sg-1"] },
  image: "registry.example.com/runner:2.336.0",
  resources: { cpu: 1, memory: "2Gi" },
});
const container = registeredDefinition({ ...spec, image: "registry.example.com/runner:2.336.0" }).input.containerDefinitions?.[0];

describe("the runner image, and what the operator's task definition says", () => {
  it("start the same program, with no entry point in front of it", () => {
    expect(JSON.parse(values("CMD").join())).toEqual(container?.command);
    expect(values("ENTRYPOINT")).toEqual([]);
    // `./run.sh` is in the working directory.
    expect(values("WORKDIR")).toEqual(["/home/runner"]);
    expect(values("COPY").some((rest) => rest.startsWith("--from=runner ") && rest.endsWith(" /home/runner/"))).toBe(true);
  });

  it("set the same variables to the same values", () => {
    const set = container?.environment ?? [];
    expect(set.length).toBeGreaterThan(0);
    expect(set.map(({ name = "" }) => [name, environment.get(name)])).toEqual(set.map(({ name, value }) => [name, value]));
    expect(environment.get("ACTIONS_RUNNER_PRINT_LOG_TO_STDOUT")).toBe("1");
  });

  it("agree that the runner is not root, and owns what it writes to", () => {
    expect(values("USER")).toEqual(["runner"]);
    const run = values("RUN").join(" ");
    expect(run).toMatch(/useradd --uid 1001 --gid 1001 .*--home-dir \/home\/runner .*\brunner\b/);
    expect(run).toContain("install -d -o 1001 -g 1001 /home/runner/_work");
    expect(values("COPY").find((rest) => rest.includes("--from=runner"))).toContain("--chown=1001:1001");
  });

  it("declare every path that a volume of the task is likely to lie over, so that it belongs to the runner", () => {
    expect(JSON.parse(values("VOLUME").join())).toEqual(["/home/runner/_work", "/tmp"]);
  });
});

describe("the runner image", () => {
  it("gives nobody root by default", () => {
    const installed = instructions.filter(([name]) => name === "RUN").map(([, rest]) => rest);
    expect(installed.join(" ")).not.toMatch(/\bsudo\b/);
    expect(values("ARG")).toContain("DOCKER_GID=");
  });

  it("names no version, no checksum and no digest of its own: they would be old when somebody builds it", () => {
    for (const name of ["RUNNER_VERSION", "RUNNER_SHA256_X64", "RUNNER_SHA256_ARM64"]) {
      const args = instructions.filter(([each, rest]) => each === "ARG" && rest.split("=")[0] === name);
      expect(args.length).toBeGreaterThan(0);
      expect(args.every(([, rest]) => rest === name)).toBe(true);
    }
    expect(instructions[0]).toEqual(["ARG", "BASE_IMAGE=ubuntu:24.04"]);
    expect(instructions.filter(([name]) => name === "FROM").map(([, rest]) => rest)).toEqual([
      "${BASE_IMAGE} AS base",
      "base AS runner",
      "base",
    ]);
  });

  it("has its hooks outside of the runner's directory, where the variables say", () => {
    const copied = values("COPY").find((rest) => rest.startsWith("hooks/"));
    expect(copied).toBe("hooks/ /opt/getabako/hooks/");
    for (const name of ["ACTIONS_RUNNER_HOOK_JOB_STARTED", "ACTIONS_RUNNER_HOOK_JOB_COMPLETED"]) {
      const path = environment.get(name) ?? "";
      expect(path.startsWith("/opt/getabako/hooks/")).toBe(true);
      const file = path.replace("/opt/getabako/", folder);
      expect(statSync(file).mode & 0o111).toBe(0o111);
    }
  });

  it.each(shellFiles)("%s is a shell script for sh and bash alike", (name) => {
    for (const shell of ["sh", "bash"]) {
      const { status, stderr } = spawnSync(shell, ["-n", `${folder}${name}`], { encoding: "utf8" });
      expect([shell, status, stderr]).toEqual([shell, 0, ""]);
    }
  });
});
