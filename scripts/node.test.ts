import { execFile } from "node:child_process";
import { chmod, copyFile, lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const run = promisify(execFile);
/** Beyond any pid that Linux or macOS gives out. */
const deadPid = "2147483646";

/** A clone whose packages are not installed, and an npm that writes down when it begins and ends. */
describe("scripts/node in a fresh clone", () => {
  let clone: string;
  let env: NodeJS.ProcessEnv;

  beforeEach(async () => {
    clone = await mkdtemp(join(tmpdir(), "getabako-clone-"));
    for (const directory of ["scripts", "tools"]) await mkdir(join(clone, directory));
    await copyFile(join(import.meta.dirname, "node"), join(clone, "scripts", "node"));
    await writeFile(join(clone, "package-lock.json"), "{}");
    await writeFile(join(clone, "say.js"), `process.stdout.write("ran");`);
    await writeNpm("sleep 0.3; mkdir -p node_modules");
    env = { ...process.env, PATH: `${join(clone, "tools")}:${process.env["PATH"]}` };
  });
  afterEach(async () => {
    await rm(clone, { recursive: true });
  });

  const writeNpm = async (work: string): Promise<void> => {
    const npm = join(clone, "tools", "npm");
    await writeFile(npm, `#!/bin/sh\necho begin >>npm.log\n${work}\necho end >>npm.log\n`);
    await chmod(npm, 0o755);
  };
  const start = async () => await run(join(clone, "scripts", "node"), [join(clone, "say.js")], { env });
  const npmLog = async (): Promise<string[]> => (await readFile(join(clone, "npm.log"), "utf8")).trim().split("\n");
  const lock = (): Promise<unknown> => lstat(join(clone, ".installing"));

  it("installs once, although several commands are started at once, and then no more", async () => {
    const answers = await Promise.all([start(), start(), start()]);
    expect(answers.map(({ stdout }) => stdout)).toEqual(["ran", "ran", "ran"]);
    expect(await npmLog()).toEqual(["begin", "end"]);
    await start();
    expect(await npmLog()).toEqual(["begin", "end"]);
    await expect(lock()).rejects.toThrow("ENOENT");
  });

  it("goes on where a command was killed while it installed", async () => {
    await symlink(deadPid, join(clone, ".installing"));
    expect((await start()).stdout).toBe("ran");
    expect(await npmLog()).toEqual(["begin", "end"]);
  });

  it("says so when it cannot make its lock, instead of waiting for ever", async () => {
    await writeFile(join(clone, ".installing"), "not a link");
    await expect(start()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("cannot make the link") });
  });

  it("lets the next command try when npm fails", async () => {
    await writeNpm("exit 7");
    await expect(start()).rejects.toMatchObject({ code: 7 });
    await expect(lock()).rejects.toThrow("ENOENT");
    await writeNpm("mkdir -p node_modules");
    expect((await start()).stdout).toBe("ran");
  });
});
