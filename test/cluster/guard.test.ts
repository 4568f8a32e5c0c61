import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { removalCommand, startGuarded, startJanitor } from "./guard.ts";

const guardModule = new URL("guard.ts", import.meta.url).href;

async function scratch(): Promise<string> {
  return await mkdtemp(join(tmpdir(), "getabako-guard-test-"));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a guarded process", () => {
  it.each(["SIGKILL", "SIGINT"] as const)("and its directory are gone after its parent ends by %s", async (signal) => {
    const directory = await scratch();
    const program = `
      import { removalCommand, startGuarded, startJanitor } from ${JSON.stringify(guardModule)};
      startJanitor(removalCommand(${JSON.stringify(directory)}));
      const guarded = await startGuarded(["sleep", "300"], { log: ${JSON.stringify(join(directory, "log"))} });
      process.stdout.write(guarded.pid + "\\n");
      setInterval(() => {}, 1000);
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive(pid)).toBe(true);
    parent.kill(signal);
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => existsSync(directory), { timeout: 10_000 }).toBe(false);
  });

  it("does not keep a program alive that is done", async () => {
    const directory = await scratch();
    const program = `
      import { removalCommand, startGuarded, startJanitor } from ${JSON.stringify(guardModule)};
      startJanitor(removalCommand(${JSON.stringify(directory)}));
      await startGuarded(["sleep", "300"], { log: ${JSON.stringify(join(directory, "log"))} });
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "ignore" });
    expect(await once(parent, "exit")).toEqual([0, null]);
    await expect.poll(() => existsSync(directory), { timeout: 10_000 }).toBe(false);
  });

  it("reports its exit code and leaves its output in the log", async () => {
    const directory = await scratch();
    const janitor = startJanitor(removalCommand(directory));
    const log = join(directory, "log");
    const guarded = await startGuarded(["sh", "-c", "echo out; echo err >&2; exit 7"], { log });
    expect(await guarded.exited).toBe(7);
    expect(guarded.hasExited).toBe(true);
    expect(await readFile(log, "utf8")).toBe("out\nerr\n");
    // Late signals are for nobody.
    guarded.signal("SIGTERM");
    await guarded.kill();
    await janitor.run();
    expect(existsSync(directory)).toBe(false);
  });

  it("can be frozen, and killed while it is", async () => {
    const directory = await scratch();
    const janitor = startJanitor(removalCommand(directory));
    const guarded = await startGuarded(["sleep", "300"], { log: join(directory, "log") });
    guarded.signal("SIGSTOP");
    await guarded.kill();
    expect(await guarded.exited).toBe(137);
    expect(isAlive(guarded.pid)).toBe(false);
    await janitor.run();
  });
});
