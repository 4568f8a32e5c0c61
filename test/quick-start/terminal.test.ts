import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Terminal } from "./terminal.ts";

let directory: string;
let terminal: Terminal;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "getabako-terminal-"));
  terminal = new Terminal({ directory, env: { PATH: process.env["PATH"] }, memory: `${directory}/.memory` });
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const longMs = 20_000;

describe("a terminal", () => {
  it("remembers in the next block what one has set or exported", async () => {
    await terminal.run('name=web; export LANGUAGE="a b"\n', [], longMs);
    await terminal.run('echo "$name, $LANGUAGE"\n', ["web, a b"], longMs);
  });

  it("fails at the first command that fails, with all that was printed", async () => {
    const failed = terminal.run("echo one\nfalse\ntouch two\n", [], longMs);
    await expect(failed).rejects.toThrow("exit code 1, after it printed\none");
    expect(await readdir(directory)).not.toContain("two");
  });

  it("fails when the document shows another output", async () => {
    await expect(terminal.run("echo one; echo two >&2\n", ["one", "three"], longMs)).rejects.toThrow(
      "it did not print the line\nthree\nbut\none\ntwo",
    );
  });

  it("goes on when what is expected has appeared, and ends the rest by Ctrl-C", async () => {
    const script = "trap 'echo bye; kill $!; exit 7' INT\necho ready\ntail -f /dev/null & wait\n";
    const running = await terminal.start(script, ["ready"], longMs);
    expect(running.printed).toBe("ready\n");
    expect(await running.interrupt(longMs)).toBe(7);
    expect(running.printed).toBe("ready\nbye\n");
  });

  it("says what it waited for when that does not come, and kills what it started", async () => {
    const waiting = terminal.start("echo one; exec tail -f /dev/null\n", ["one", "two"], 300);
    await expect(waiting).rejects.toThrow("after 0.3 s it has not printed the line\ntwo\n");
  });

  it("says when commands end that should have gone on", async () => {
    await expect(terminal.start("echo one\n", ["two"], longMs)).rejects.toThrow("ended with exit code 0, after it printed\none");
  });
});
