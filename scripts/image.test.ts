import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { licencesFile } from "./build.ts";
import { buildImage, type BuiltImage } from "./image.ts";
import { inRoot, unpack, type Unpacked, whyNotTried } from "./image/try-image.ts";

// The image is made of Debian's packages; where there are none, npm run image says so and the Dockerfile is the way.
const possible = existsSync("/var/lib/dpkg/status") && (await whyNotTried()) === undefined;

describe.skipIf(!possible)("the image of npm run image", { timeout: 60_000 }, () => {
  let directory: string;
  let archive: BuiltImage;
  let unpacked: Unpacked;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "getabako-image-test-"));
    archive = await buildImage({ name: "localhost/getabako:test", file: join(directory, "a.tar") });
    unpacked = await unpack(archive.file, process.arch === "x64" ? "amd64" : process.arch);
  }, 60_000);
  afterAll(async () => {
    await unpacked?.remove();
    await rm(directory, { recursive: true, force: true });
  });

  it("has the same digest when it is built again", async () => {
    const again = await buildImage({ name: "localhost/getabako:test", file: join(directory, "b.tar") });
    expect(again.digest).toBe(archive.digest);
    expect(await sha256(again.file)).toBe(await sha256(archive.file));
  });

  it("can be read as an OCI layout and as a docker-archive, with the same layers", async () => {
    const read = async (path: string): Promise<unknown> =>
      JSON.parse((await promisify(execFile)("tar", ["-xOf", archive.file, path])).stdout) as unknown;
    const blob = (digest: string): string => `blobs/${digest.replace(":", "/")}`;
    const [docker] = (await read("manifest.json")) as { Config: string; RepoTags: string[]; Layers: string[] }[];
    expect(docker?.RepoTags).toEqual(["localhost/getabako:test"]);
    expect(await read("index.json")).toMatchObject({
      manifests: [{ digest: archive.digest, annotations: { "io.containerd.image.name": "localhost/getabako:test" } }],
    });
    const manifest = (await read(blob(archive.digest))) as { config: { digest: string }; layers: { digest: string }[] };
    expect(blob(manifest.config.digest)).toBe(docker?.Config);
    expect(manifest.layers.map(({ digest }) => blob(digest))).toEqual(docker?.Layers);
    const { rootfs } = (await read(docker?.Config ?? "")) as { rootfs: { diff_ids: string[] } };
    expect(rootfs.diff_ids).toEqual(manifest.layers.map(({ digest }) => digest));
  });

  it("runs as a user without rights, with the Node.js of the lockfile", async () => {
    const script = "console.log(process.version, process.getuid() || 'root of a namespace of its own')";
    const answer = await inRoot(unpacked, [unpacked.config.Entrypoint[0] as string, "--eval", script]);
    expect(answer).toMatch(new RegExp(`^${process.version} (65532|root of a namespace of its own)\n$`));
    expect(unpacked.config.User).toBe("65532:65532");
  });

  it("says what it takes", async () => {
    expect(await inRoot(unpacked, [...unpacked.config.Entrypoint, "run", "--help"])).toContain("--watch-namespace");
  });

  it("is a command in a running pod, without a shell", async () => {
    expect(await inRoot(unpacked, ["/usr/local/bin/getabako", "doctor", "--help"])).toContain(
      "getabako doctor: check the whole chain",
    );
  });

  it("finds names as the pod's files say", async () => {
    await writeFile(join(unpacked.directory, "etc/hosts"), "10.1.2.3 somewhere.example\n");
    const script = "require('node:dns').lookup('somewhere.example', (error, address) => console.log(error?.message ?? address))";
    expect(await inRoot(unpacked, [unpacked.config.Entrypoint[0] as string, "--eval", script])).toBe("10.1.2.3\n");
  });

  it("loads the AWS SDK, which is loaded late, and speaks TLS", async () => {
    const chunks = await readdir(join(unpacked.directory, "app/chunks"));
    expect(chunks.length).toBeGreaterThan(5);
    const script = `
      for (const chunk of ${JSON.stringify(chunks.filter((name) => name.endsWith(".mjs")))}) await import("/app/chunks/" + chunk);
      const { rootCertificates } = await import("node:tls");
      console.log(rootCertificates.length > 50);`;
    const command = [unpacked.config.Entrypoint[0] as string, "--input-type=module", "--eval", script];
    expect(await inRoot(unpacked, command)).toBe("true\n");
  });

  it("holds nothing but Node.js, what it is linked with, and the program", async () => {
    const files = (await readdir(unpacked.directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath.slice(unpacked.directory.length), entry.name))
      .filter((path) => !/^\/(usr\/share\/(doc|common-licenses)|app)\//.test(path) && path !== "/etc/hosts")
      .map((path) =>
        path
          .replace(/\/(x86_64|aarch64)-linux-gnu\//, "/")
          .replace(/^\/usr\/lib/, "/lib")
          .replace(/ld-linux.*/, "ld"),
      )
      .map((path) => path.replace("/lib64/", "/lib/"))
      .toSorted();
    expect(files).toEqual([
      "/etc/debian_version",
      "/etc/group",
      "/etc/nsswitch.conf",
      "/etc/os-release",
      "/etc/passwd",
      "/lib/ld",
      "/lib/libc.so.6",
      "/lib/libdl.so.2",
      "/lib/libgcc_s.so.1",
      "/lib/libm.so.6",
      "/lib/libpthread.so.0",
      "/lib/libstdc++.so.6",
      "/usr/local/bin/getabako",
      "/usr/local/bin/node",
      "/var/lib/dpkg/status.d/base-files",
      "/var/lib/dpkg/status.d/gcc-12-base",
      "/var/lib/dpkg/status.d/libc6",
      "/var/lib/dpkg/status.d/libgcc-s1",
      "/var/lib/dpkg/status.d/libstdc++6",
    ]);
    const app = await readdir(join(unpacked.directory, "app"), { recursive: true });
    expect(app.filter((name) => name.endsWith(".map") || name.endsWith(".ts"))).toEqual([]);
  });

  it("brings the licences of all that is in it, and says where the sources are", async () => {
    const doc = (path: string): Promise<string> => readFile(join(unpacked.directory, "usr/share", path), "utf8");
    expect(await readdir(join(unpacked.directory, "usr/share/common-licenses"))).toEqual(
      expect.arrayContaining(["GPL-3", "LGPL-2.1"]),
    );
    expect(await doc("common-licenses/LGPL-2.1")).toContain("GNU LESSER GENERAL PUBLIC LICENSE");
    expect(await doc("doc/libstdc++6/copyright")).toContain("GCC RUNTIME LIBRARY EXCEPTION");
    expect(await doc("doc/node/LICENSE")).toContain("OpenSSL");
    const texts = await doc(`doc/getabako/${licencesFile}`);
    for (const { name, version } of archive.bundle.packages) expect(texts).toContain(`${name} ${version}`);
    expect(await doc("doc/SOURCES.txt")).toMatch(/^glibc \S+: https:\/\/snapshot\.debian\.org\/package\/glibc\//m);
  });

  it("refuses a name that nodes would look for in a registry of their choice", async () => {
    await expect(buildImage({ name: "getabako:1", file: join(directory, "c.tar") })).rejects.toThrow(
      "no image name with a host part",
    );
  });
});

async function sha256(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}
