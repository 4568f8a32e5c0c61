import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TarWriter } from "./tar.ts";

const run = promisify(execFile);

describe("TarWriter", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "getabako-tar-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("writes what tar reads: root's, and from the beginning of time", async () => {
    const source = join(directory, "source");
    await writeFile(source, Buffer.alloc(2_000_000, "x"));
    await symlink(source, join(directory, "link"));
    const long = `${"d".repeat(90)}/${"e".repeat(60)}/file`;
    const archive = await TarWriter.create(join(directory, "a.tar"));
    await archive.directory("bin");
    await archive.file("bin/program", join(directory, "link"), 0o755);
    await archive.content(long, "下駄箱\n");
    await archive.content("empty", "");
    const written = await archive.finish();

    const { stdout } = await run("tar", ["-tvf", written.path, "--utc"], { env: { ...process.env, LC_ALL: "C" } });
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.replace(/ +/g, " ")),
    ).toEqual([
      "drwxr-xr-x 0/0 0 1970-01-01 00:00 bin/",
      "-rwxr-xr-x 0/0 2000000 1970-01-01 00:00 bin/program",
      `-rw-r--r-- 0/0 10 1970-01-01 00:00 ${long}`,
      "-rw-r--r-- 0/0 0 1970-01-01 00:00 empty",
    ]);
    await run("tar", ["-xf", written.path, "-C", directory]);
    expect(await readFile(join(directory, "bin/program"))).toEqual(await readFile(source));
    expect(await readFile(join(directory, long), "utf8")).toBe("下駄箱\n");
  });

  it("knows digest and size of what it wrote", async () => {
    const archive = await TarWriter.create(join(directory, "a.tar"));
    await archive.content("a", "a");
    const { path, digest, size } = await archive.finish();
    expect((await readFile(path)).length).toBe(size);
    expect((await run("sha256sum", [path])).stdout).toMatch(new RegExp(`^${digest.replace("sha256:", "")} `));
  });

  it("writes files of another moment", async () => {
    const archive = await TarWriter.create(join(directory, "a.tar"), 1_795_867_200);
    await archive.content("a", "a");
    const { path } = await archive.finish();
    expect((await run("tar", ["-tvf", path, "--utc"])).stdout).toContain(" 2026-11-28 12:00 a\n");
  });

  it("refuses a path that a header cannot hold", async () => {
    const archive = await TarWriter.create(join(directory, "a.tar"));
    await expect(archive.content("f".repeat(101), "")).rejects.toThrow("too long for a tar header");
    await archive.abandon();
  });
});
