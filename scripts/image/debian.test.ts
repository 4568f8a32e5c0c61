import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aptTransport, debFile, type DownloadOptions, fetchTransport, unpackDebs } from "./debian.ts";
import type { LockedPackage } from "./lock.ts";

const content = Buffer.from("as if it were a package");
const locked: LockedPackage = {
  name: "libexample1",
  version: "1.0+deb12u1",
  source: "example",
  sourceVersion: "1.0",
  architecture: "amd64",
  path: "pool/libexample1_1.0+deb12u1_amd64.deb",
  sha256: createHash("sha256").update(content).digest("hex"),
};

describe("debFile", () => {
  let directory: string;
  let server: Server;
  let asked: string[];
  let answer: Buffer | undefined;
  let options: DownloadOptions;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "getabako-debs-"));
    [asked, answer] = [[], content];
    // A mirror that has nothing any more, and an archive.
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      if (request.url?.startsWith("/archive/") === true && answer !== undefined) response.end(answer);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    options = { mirrors: [`${host}/mirror`, `${host}/archive`], cache: join(directory, "cache"), transport: fetchTransport };
  });
  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });

  it.each([
    ["fetch", fetchTransport, true],
    ["apt", aptTransport, existsSync("/usr/lib/apt/apt-helper")],
  ] as const)("takes it from the archive when the mirror has a newer one (%s)", async (_, transport, possible) => {
    if (!possible) return;
    const file = await debFile(locked, { ...options, transport });
    expect(await readFile(file)).toEqual(content);
    expect(asked).toEqual(["/mirror", "/archive"].map((root) => `${root}/pool/libexample1_1.0%2Bdeb12u1_amd64.deb`));
  });

  it("asks once for what it has", async () => {
    await debFile(locked, options);
    asked.length = 0;
    await debFile(locked, options);
    expect(asked).toEqual([]);
  });

  it("takes no other bytes than those of the lock, neither from a mirror nor from its cache", async () => {
    const file = await debFile(locked, options);
    await writeFile(file, "changed");
    expect(await readFile(await debFile(locked, options))).toEqual(content);
    await rm(file);
    answer = Buffer.from("something else");
    await expect(debFile(locked, options)).rejects.toThrow(/debian-lock\.json says/);
    expect(existsSync(file)).toBe(false);
  });

  it("says where it looked", async () => {
    answer = undefined;
    await expect(debFile(locked, options)).rejects.toThrow(
      /libexample1 1\.0\+deb12u1 is not to be had.*\n.*mirror.*404.*\n.*archive.*404/,
    );
  });
});

describe.skipIf(!existsSync("/usr/bin/dpkg-deb"))("unpackDebs", () => {
  it("unpacks packages over each other, and keeps what they say of themselves", async () => {
    const directory = await mkdtemp(join(tmpdir(), "getabako-debs-"));
    try {
      const packages: LockedPackage[] = [];
      for (const name of ["one", "two"]) {
        const tree = join(directory, name);
        await mkdir(join(tree, "DEBIAN"), { recursive: true });
        await writeFile(
          join(tree, "DEBIAN/control"),
          `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: d\n`,
        );
        await writeFile(join(tree, name), name);
        execFileSync("dpkg-deb", ["--build", tree, `${tree}.deb`], { stdio: "ignore" });
        const sha256 = createHash("sha256")
          .update(await readFile(`${tree}.deb`))
          .digest("hex");
        packages.push({ ...locked, name, path: `${name}.deb`, sha256 });
      }
      const copy: DownloadOptions = {
        mirrors: [directory],
        cache: join(directory, "cache"),
        transport: async (url, file) => await writeFile(file, await readFile(url)),
      };
      const target = join(directory, "target");
      await mkdir(target);
      await unpackDebs(packages, target, copy);
      for (const name of ["one", "two"]) {
        expect(await readFile(join(target, name), "utf8")).toBe(name);
        expect(await readFile(join(target, "DEBIAN", name, "control"), "utf8")).toContain(`Package: ${name}\n`);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
