import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { folder } from "./folder.ts";

/* The workflow in README.md that rebuilds the image, with a gh and a docker that answer as a test says. */

const image = "ghcr.io/acme/runner";

interface Workflow {
  readonly jobs: { readonly build: { readonly steps: readonly { readonly run?: string }[] } };
}

async function script(): Promise<string> {
  const [, workflow = ""] = /```yaml\n(name: runner image\n.*?)```/s.exec(await readFile(`${folder}README.md`, "utf8")) ?? [];
  return (parse(workflow) as Workflow).jobs.build.steps.flatMap(({ run }) => run ?? []).join("\n");
}

/** What it ends with, prints and builds when the registry answers so for the tag. */
async function play(inspect: string): Promise<{ readonly code: number | null; readonly stdout: string; readonly built: string }> {
  const directory = await mkdtemp(join(tmpdir(), "getabako-workflow-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const asset = (arch: string) => ({ name: `actions-runner-linux-${arch}-2.336.0.tar.gz`, digest: `sha256:sum-of-${arch}` });
  await writeFile(
    join(directory, "release.json"),
    JSON.stringify({ tag_name: "v2.336.0", assets: [asset("x64"), asset("arm64")] }),
  );
  await writeFile(join(directory, "built"), "");
  const program = (name: string, body: string) => writeFile(join(directory, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  await program("gh", `cat ${directory}/release.json`);
  await program("docker", `case "$2" in\n  imagetools) ${inspect} ;;\n  build) echo "$@" >${directory}/built ;;\nesac`);
  // As GitHub runs a step that names no shell.
  const { status, stdout } = spawnSync("bash", ["-e", "-c", await script()], {
    env: { PATH: `${directory}:${process.env["PATH"]}`, IMAGE: image },
    encoding: "utf8",
  });
  return { code: status, stdout, built: await readFile(join(directory, "built"), "utf8") };
}

it("builds a release that the registry says it lacks, with its checksums", async () => {
  const { code, built } = await play(`echo "ERROR: ${image}:2.336.0: not found" >&2; exit 1`);
  expect(code).toBe(0);
  expect(built).toContain(`--push --tag ${image}:2.336.0 --build-arg RUNNER_VERSION=2.336.0`);
  expect(built).toContain("RUNNER_SHA256_X64=sum-of-x64 --build-arg RUNNER_SHA256_ARM64=sum-of-arm64 images/runner");
});

it("builds nothing that is there", async () => {
  expect(await play('echo "Name: it"')).toEqual({ code: 0, stdout: "", built: "" });
});

it.each(["ERROR: failed to do request: 503 Service Unavailable", "ERROR: 403 Forbidden", "docker-credential-helper: not found"])(
  "builds nothing over a tag that may be there, and fails, when the answer is %j",
  async (answer) => {
    const { code, stdout, built } = await play(`echo "${answer}" >&2; exit 1`);
    expect(built).toBe("");
    expect(code).toBe(1);
    expect(stdout).toContain(answer);
  },
);
