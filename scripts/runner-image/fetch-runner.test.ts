import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { folder } from "./folder.ts";

/** A tar archive of one file, as a stand-in for the runner's. */
function archiveOf(name: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000755\0", 100);
  header.write("0001751\0", 108);
  header.write("0001751\0", 116);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        0", 148);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return gzipSync(Buffer.concat([header, body, Buffer.alloc(1024)]));
}

const release = archiveOf("run.sh", "#!/bin/bash\necho a runner\n");
const other = archiveOf("README", "not a runner\n");
const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
const files: Readonly<Record<string, Buffer>> = {
  "/v2.336.0/actions-runner-linux-x64-2.336.0.tar.gz": release,
  "/v2.336.0/actions-runner-linux-arm64-2.336.0.tar.gz": release,
  "/v2.337.0/actions-runner-linux-x64-2.337.0.tar.gz": other,
};
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? "");
  const file = files[request.url ?? ""];
  response.writeHead(file === undefined ? 404 : 200).end(file);
});
let url: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

async function fetchRunner(args: Readonly<Record<string, string>>): Promise<{ code: number; stderr: string; files: string[] }> {
  const directory = await mkdtemp(join(tmpdir(), "getabako-fetch-runner-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  asked.length = 0;
  const child = spawn("sh", [`${folder}fetch-runner.sh`, directory], {
    env: { PATH: process.env["PATH"], no_proxy: "127.0.0.1", TARGETARCH: "amd64", RUNNER_URL: url, ...args },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number>((resolve) => child.on("close", (status) => resolve(status ?? -1)));
  return { code, stderr, files: await readdir(directory) };
}

describe("fetch-runner.sh", () => {
  it.each([
    ["amd64", "RUNNER_SHA256_X64", "x64"],
    ["arm64", "RUNNER_SHA256_ARM64", "arm64"],
  ])("unpacks the release for %s whose checksum is %s", async (TARGETARCH, name, arch) => {
    const result = await fetchRunner({ TARGETARCH, RUNNER_VERSION: "2.336.0", [name]: sha256(release).toUpperCase() });
    expect(result).toEqual({ code: 0, stderr: "", files: ["run.sh"] });
    expect(asked).toEqual([`/v2.336.0/actions-runner-linux-${arch}-2.336.0.tar.gz`]);
  });

  it("takes a version with GitHub's v before it", async () => {
    expect((await fetchRunner({ RUNNER_VERSION: "v2.336.0", RUNNER_SHA256_X64: sha256(release) })).code).toBe(0);
  });

  it("unpacks nothing whose checksum is another, and says both", async () => {
    const result = await fetchRunner({ RUNNER_VERSION: "2.336.0", RUNNER_SHA256_X64: sha256(other) });
    expect([result.code, result.files]).toEqual([1, []]);
    expect(result.stderr).toContain(sha256(release));
    expect(result.stderr).toContain(sha256(other));
  });

  it("refuses an archive with the right checksum that holds no runner", async () => {
    const result = await fetchRunner({ RUNNER_VERSION: "2.337.0", RUNNER_SHA256_X64: sha256(other) });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/holds no run.sh/);
  });

  it.each([
    [
      "no version",
      {},
      /--build-arg RUNNER_VERSION=X\.Y\.Z --build-arg RUNNER_SHA256_X64=CHECKSUM.*github\.com\/actions\/runner\/releases/,
    ],
    [
      "no checksum",
      { RUNNER_VERSION: "2.336.0" },
      /--build-arg RUNNER_SHA256_X64=CHECKSUM.*github\.com\/actions\/runner\/releases/,
    ],
    [
      "the checksum of the other architecture alone",
      { RUNNER_VERSION: "2.336.0", RUNNER_SHA256_ARM64: sha256(release) },
      /--build-arg RUNNER_SHA256_X64=CHECKSUM/,
    ],
    ["a checksum that is none", { RUNNER_VERSION: "2.336.0", RUNNER_SHA256_X64: "abc" }, /64 hexadecimal digits/],
    ["a version that leads elsewhere", { RUNNER_VERSION: "../../x", RUNNER_SHA256_X64: sha256(release) }, /of the form X\.Y\.Z/],
    ["half a version", { RUNNER_VERSION: "2.336", RUNNER_SHA256_X64: sha256(release) }, /of the form X\.Y\.Z/],
    ["an architecture without a runner", { TARGETARCH: "s390x", RUNNER_VERSION: "2.336.0" }, /no Linux runner for s390x/],
  ] as const)("with %s says what to do, and asks nobody", async (_, args, text) => {
    const result = await fetchRunner(args);
    expect([result.code, result.files, asked]).toEqual([1, [], []]);
    expect(result.stderr).toMatch(text);
  });

  it("says which release it could not download", async () => {
    const result = await fetchRunner({ RUNNER_VERSION: "2.999.0", RUNNER_SHA256_X64: sha256(release) });
    expect([result.code, result.files]).toEqual([1, []]);
    expect(result.stderr).toContain(`could not download ${url}/v2.999.0/actions-runner-linux-x64-2.999.0.tar.gz`);
  });

  it("downloads from GitHub's releases by default", async () => {
    expect(await readFile(`${folder}Dockerfile`, "utf8")).toContain(
      "ARG RUNNER_URL=https://github.com/actions/runner/releases/download\n",
    );
  });
});
