import { spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { folder } from "./folder.ts";

const shells = ["bash", "sh"] as const;
const hooks = ["job-started", "job-completed"] as const;
const both = shells.flatMap((shell) => hooks.map((hook) => [hook, shell] as const));

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
}

/** A copy of the hooks, which a test may change. */
async function install(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "getabako-hooks-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await cp(`${folder}hooks`, directory, { recursive: true });
  return directory;
}

async function extend(directory: string, hook: string, name: string, script: string): Promise<void> {
  await mkdir(join(directory, `${hook}.d`), { recursive: true });
  await writeFile(join(directory, `${hook}.d`, name), script);
  await chmod(join(directory, `${hook}.d`, name), 0o755);
}

/** As the runner does it: `bash -e` on the hook, or sh where there is no bash. */
async function run(directory: string, hook: string, shell: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const child = spawn(shell, ["-e", join(directory, `${hook}.sh`)], {
    env: { PATH: process.env["PATH"], GITHUB_WORKSPACE: directory, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  return await new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout })));
}

/** ECS' metadata endpoint, with the fields that AWS documents. */
async function metadata(answers: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    response.writeHead(answer === undefined ? 404 : 200, { connection: "close" }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v4/abc`;
}

const task = JSON.stringify({
  TaskARN: "arn:aws:ecs:ap-northeast-1:123456789012:task/runners/0123",
  Limits: { CPU: 0.5, Memory: 1024 },
  LaunchType: "FARGATE",
  AvailabilityZone: "ap-northeast-1a",
});

describe.each(both)("the hook %s in %s", (hook, shell) => {
  it("ends well with nothing in its environment", async () => {
    const { code, stdout } = await run(await install(), hook, shell);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^disk: {6}[0-9.]+ GiB free of [0-9.]+ GiB$/m);
  });

  it.each([
    ["does not answer", async () => "http://127.0.0.1:1/v4/abc"],
    ["answers an error", () => metadata({})],
    ["answers no JSON", () => metadata({ "/v4/abc": "<html>", "/v4/abc/task": '{"Limits": [' })],
    ["answers other types", () => metadata({ "/v4/abc": "[]", "/v4/abc/task": '{"Limits": 7, "TaskARN": {"a": 1}}' })],
  ])("ends well when the metadata endpoint %s", async (_, endpoint) => {
    const { code, stdout } = await run(await install(), hook, shell, {
      RUNNER_NAME: "job-4711-1",
      ECS_CONTAINER_METADATA_URI_V4: await endpoint(),
    });
    expect(code).toBe(0);
    expect(stdout).toContain("runner:    job-4711-1\n");
  });

  it("prints nothing that the runner would take for a command, and runs nothing of what a workflow's author chose", async () => {
    const directory = await install();
    const hostile = "x\n::error::gotcha\r\n##[error]gotcha\u001b[31m $(touch pwned) `touch pwned` %s %n";
    const { code, stdout } = await run(directory, hook, shell, {
      RUNNER_NAME: hostile,
      GITHUB_JOB: hostile,
      GITHUB_WORKFLOW: `${hostile}${"y".repeat(10_000)}`,
      GITHUB_REPOSITORY: hostile,
      GITHUB_WORKSPACE: "-x",
    });
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/^\s*::|##\[/m);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThan(220);
    expect(stdout).toContain("$(touch pwned) `touch pwned` %s %n");
  });

  it("runs what a derived image added, in order, and goes on where it fails, hangs or cannot start", async () => {
    const directory = await install();
    await extend(directory, hook, "10-first", "#!/bin/sh\necho one\nexit 9\n");
    await extend(directory, hook, "20-second", "#!/no/such/program\n");
    await extend(directory, hook, "30-third", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n");
    await extend(directory, hook, "40-fourth", "#!/bin/sh\nkill -9 $$\n");
    await extend(directory, hook, "50-fifth", "#!/bin/sh\necho five for $RUNNER_NAME\n");
    await writeFile(join(directory, `${hook}.d`, "60-not-executable"), "#!/bin/sh\necho six\n");
    const { code, stdout } = await run(directory, hook, shell, { RUNNER_NAME: "r", GETABAKO_HOOK_TIMEOUT: "2" });
    expect(code).toBe(0);
    const told = stdout.split("\n").filter((line) => /^(one|five|six)|^hook /.test(line));
    expect(told).toEqual([
      "one",
      "hook 10-first ended with 9; the job goes on",
      expect.stringMatching(/^hook 20-second ended with 12[67]; the job goes on$/),
      "hook 30-third ended with 137; the job goes on",
      "hook 40-fourth ended with 137; the job goes on",
      "five for r",
    ]);
  });

  it("hands the runner what extensions wrote that ended well, and nothing of those that did not", async () => {
    const directory = await install();
    await extend(directory, hook, "10-open-end", "#!/bin/sh\nprintf A=1 >>$GITHUB_ENV\necho /opt/a >>$GITHUB_PATH\n");
    await extend(directory, hook, "20-fails", "#!/bin/sh\nprintf 'B<<EOF\\nhalf' >>$GITHUB_ENV\nexit 1\n");
    await extend(directory, hook, "30-hangs", "#!/bin/sh\nprintf half >>$GITHUB_PATH\nprintf h >>$GITHUB_STATE\nexec sleep 60\n");
    await extend(directory, hook, "40-goes-on", "#!/bin/sh\necho C=3 >>$GITHUB_ENV\n");
    await extend(directory, hook, "50-other", '#!/bin/sh\necho "output is ${GITHUB_OUTPUT:-unset}"\n');
    const files = ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"];
    const env = Object.fromEntries(files.map((name) => [name, join(directory, name)]));
    await Promise.all(Object.values(env).map((file) => writeFile(file, "")));
    const temporary = join(directory, "temporary");
    await mkdir(temporary);
    const { stdout } = await run(directory, hook, shell, { ...env, RUNNER_TEMP: temporary, GETABAKO_HOOK_TIMEOUT: "2s" });
    expect(await Promise.all(Object.values(env).map((file) => readFile(file, "utf8")))).toEqual(["A=1\nC=3\n", "/opt/a\n", ""]);
    expect(stdout).toContain("hook 20-fails ended with 1; the job goes on\n");
    expect(stdout).toContain("hook 30-hangs ended with 124; the job goes on\n");
    expect(stdout).toContain("output is unset\n");
    expect(await readdir(temporary)).toEqual([]);
  });

  it("names what it did not run where there is no room for its files", async () => {
    const directory = await install();
    await extend(directory, hook, "10-first", "#!/bin/sh\necho one\n");
    const { code, stdout } = await run(directory, hook, shell, { RUNNER_TEMP: join(directory, "missing") });
    expect(code).toBe(0);
    expect(stdout).toContain("hook 10-first ended with no temporary directory; the job goes on\n");
  });

  it("gives extensions SIGPIPE as programs expect it", async () => {
    const directory = await install();
    await extend(directory, hook, "10-ends-a-pipe", "#!/bin/bash\nyes | head -n 1\necho ${PIPESTATUS[0]}\n");
    expect((await run(directory, hook, shell)).stdout).toContain("y\n141\n");
  });

  it.each(["0", "0.0", "0s", "00m", "inf", "-1", "1.2.3", ".", "s", "1 2", "$(id)"])(
    "has a limit where it is told %j",
    async (limit) => {
      const directory = await install();
      await mkdir(join(directory, "bin"));
      await writeFile(join(directory, "bin", "timeout"), '#!/bin/sh\necho "limit $2"\n', { mode: 0o755 });
      await extend(directory, hook, "10-first", "#!/bin/sh\n");
      const env = { PATH: `${join(directory, "bin")}:${process.env["PATH"]}`, GETABAKO_HOOK_TIMEOUT: limit };
      const { stdout } = await run(directory, hook, shell, env);
      expect(stdout).toContain("GETABAKO_HOOK_TIMEOUT is no time above 0; each hook has 60 seconds\n");
      expect(stdout).toContain("limit 60\n");
      expect((await run(directory, hook, shell, { ...env, GETABAKO_HOOK_TIMEOUT: "2m" })).stdout).toMatch(/^limit 2m$/m);
    },
  );

  it("ends well when its own parts are gone, broken or unreadable", async () => {
    const directory = await install();
    await rm(join(directory, `${hook}.d`), { recursive: true });
    expect((await run(directory, hook, shell)).code).toBe(0);
    await writeFile(join(directory, "common.sh"), "say() { nonsense_command; }\nplain() {\n");
    expect((await run(directory, hook, shell)).code).toBe(0);
    await rm(join(directory, "common.sh"));
    expect((await run(directory, hook, shell)).code).toBe(0);
  });

  it("ends well where no program is found at all", async () => {
    const directory = await install();
    const { code } = await run(directory, hook, `/bin/${shell}`, { PATH: directory });
    expect(code).toBe(0);
  });
});

describe("the hook job-started", () => {
  it("says on which runner, task, capacity and image a job runs", async () => {
    const endpoint = await metadata({ "/v4/abc": '{"Image": "registry.example.com/runner:2.336.0"}', "/v4/abc/task": task });
    const { stdout } = await run(await install(), "job-started", "bash", {
      RUNNER_NAME: "job-4711-1",
      GITHUB_REPOSITORY: "acme/web",
      GITHUB_JOB: "build",
      GITHUB_WORKFLOW: "CI",
      GITHUB_RUN_ID: "42",
      GITHUB_RUN_ATTEMPT: "2",
      ECS_CONTAINER_METADATA_URI_V4: endpoint,
    });
    expect(stdout.split("\n").slice(0, 6)).toEqual([
      "runner:    job-4711-1",
      "job:       acme/web: build of CI (run 42, attempt 2)",
      "task:      arn:aws:ecs:ap-northeast-1:123456789012:task/runners/0123",
      "capacity:  FARGATE, ap-northeast-1a",
      "size:      0.5 vCPU, 1024 MiB memory",
      "image:     registry.example.com/runner:2.336.0",
    ]);
  });
});

describe("the hook job-completed", () => {
  it("says how near the job came to the memory of its task", async () => {
    const directory = await install();
    const cgroup = await mkdtemp(join(tmpdir(), "getabako-cgroup-"));
    onTestFinished(() => rm(cgroup, { recursive: true, force: true }));
    await writeFile(join(cgroup, "memory.peak"), `${900 * 1024 * 1024}\n`);
    const env = { ECS_CONTAINER_METADATA_URI_V4: await metadata({ "/v4/abc/task": task }), GETABAKO_CGROUP: cgroup };
    expect((await run(directory, "job-completed", "bash", env)).stdout).toContain("memory:    900 MiB at most, of 1024 MiB\n");
  });
});
