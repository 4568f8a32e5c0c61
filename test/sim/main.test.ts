import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

const anyPorts = ["--ecs-port", "0", "--github-port", "0", "--s3-port", "0"];

describe("npm run sim", () => {
  it("starts the simulators and a queue, says where they are, and stops at Ctrl-C", async () => {
    const child = spawn(process.execPath, [main, ...anyPorts, "--queue-port", "0", "--cluster", "fleet"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line.startsWith("Ctrl-C")) {
        break;
      }
    }
    const [ecs, github, s3, queue] = ["ECS", "GitHub", "S3", "Queue"].map(
      (name) => lines.find((line) => line.startsWith(`${name} `))?.split(/\s+/)[1],
    );
    expect(lines.join("\n")).toContain("clusters default and fleet");
    expect(await (await fetch(`${ecs}/_sim/report`)).json()).toMatchObject({ launched: 0, live: [] });
    expect(await (await fetch(`${github}/_sim/credentials`)).json()).toHaveProperty("webhookSecret");
    // Nobody signed it.
    expect((await fetch(`${s3}/handover`)).status).toBe(403);
    expect((await fetch(new URL("/health", queue))).status).toBe(200);
    const exit = once(child, "exit");
    child.kill("SIGINT");
    expect(await exit).toEqual([0, null]);
  });

  it.each([
    [["--ecs-port", "many"], "--ecs-port"],
    [["--repository", "web"], "is not owner/name"],
    [["--runner", "fast"], "neither mini nor none"],
    [["--unknown"], "--unknown"],
  ])("refuses %j and says why", (args, message) => {
    const { status, stderr } = spawnSync(process.execPath, [main, ...anyPorts, ...args], {
      encoding: "utf8",
    });
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
  });
});
