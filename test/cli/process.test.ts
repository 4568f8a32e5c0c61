import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { testCluster } from "../support/test-cluster.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const cluster = testCluster();

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a process, as its user does: with nothing of this one's environment. */
async function getabako(args: readonly string[], script = main): Promise<Ended> {
  const env = { PATH: process.env["PATH"], HOME: "/nonexistent", AWS_EC2_METADATA_DISABLED: "true" };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, ...args], { env });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "getabako-cli-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("doctor looks at a real cluster, says that nobody operates it, and ends with 1", async () => {
  const namespace = await cluster.namespace("cli");
  const args = ["doctor", "--kubeconfig", cluster.kubeconfig, "--operator-namespace", namespace, "--namespace", namespace];
  const { code, stdout, stderr } = await getabako(args);
  expect(stdout).toMatch(/^OK {4}kubernetes {2}version: Kubernetes v1/m);
  expect(stdout).toMatch(new RegExp(`^FAIL {2}operator {2}deployment: no operator is installed in namespace ${namespace}`, "m"));
  expect(stdout).toMatch(/\n\d+ OK, \d+ WARN, \d+ FAIL, \d+ SKIP: begin with the first FAIL\n$/);
  expect(stderr).toBe("");
  expect(code).toBe(1);
  const json = await getabako([...args, "-o", "json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({ version: "dev", findings: expect.any(Array) });
});

test("explain answers with its exit code, too", async () => {
  const namespace = await cluster.namespace("cli");
  const args = ["explain", "--kubeconfig", cluster.kubeconfig, "-n", namespace];
  expect(await getabako([...args, "--repo", "acme/web", "--labels", "self-hosted"])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("gets no runner"),
  });
  expect(await getabako([...args, "--job", "7"])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("There is no RunnerRequest for 7"),
  });
});

test("a command line that is not understood ends with 2 and every problem", async () => {
  const { code, stdout, stderr } = await getabako(["explain", "--repo", "acme", "--visibility", "secret", "--what", "x"]);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr.split("\n")).toEqual([
    "[getabako] --what is not an option of getabako explain",
    '[getabako] "x" is not understood; options begin with --',
    '[getabako] --visibility: "secret" is not one of private, public, internal',
    '[getabako] --repo: "acme" is not a repository; write OWNER/NAME',
    "[getabako] --labels: not set; name the labels of runs-on, such as self-hosted,ecs",
    "",
  ]);
  expect(await getabako(["dokter"])).toMatchObject({ code: 2, stderr: expect.stringContaining('"dokter" is not a command') });
  expect(await getabako([])).toMatchObject({ code: 2, stderr: expect.stringContaining("getabako doctor") });
});

test("the usage says the name that it was called by", async () => {
  const plugin = join(await scratch(), "kubectl-getabako");
  await symlink(main, plugin);
  expect((await getabako(["--help"], plugin)).stdout).toContain("  kubectl getabako doctor ");
  expect((await getabako(["explain", "--help"], plugin)).stdout).toContain("  kubectl getabako explain --repo OWNER/NAME");
  expect((await getabako(["--help"])).stdout).toContain("  getabako doctor ");
});

test("version is printed for people and programs", async () => {
  expect(await getabako(["version"])).toMatchObject({ code: 0, stdout: "getabako dev\n" });
  expect(JSON.parse((await getabako(["version", "-o", "json"])).stdout)).toMatchObject({ version: "dev", node: process.version });
  expect(await getabako(["--version"])).toMatchObject({ code: 0, stdout: "getabako dev\n" });
});

test("the bash completion completes commands, options and their values", async () => {
  const directory = await scratch();
  const { stdout } = await getabako(["completion", "bash"]);
  await writeFile(join(directory, "completion.bash"), stdout);
  const complete = async (...words: readonly string[]): Promise<string[]> => {
    const script = `source ${directory}/completion.bash; COMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")}); COMP_CWORD=${words.length - 1}; _getabako; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const result = await promisify(execFile)("bash", ["--norc", "-c", script]);
    return result.stdout.split("\n").filter((word) => word !== "");
  };
  expect(await complete("getabako", "")).toEqual(commands.map(({ name }) => name));
  expect(await complete("getabako", "doctor", "--on")).toEqual(["--only"]);
  expect(await complete("getabako", "explain", "--visibility", "p")).toEqual(["private", "public"]);
  expect(await complete("getabako", "doctor", "-o", "")).toEqual(["text", "json"]);
  expect(await complete("getabako", "completion", "z")).toEqual(["zsh"]);
});
