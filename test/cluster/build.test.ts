import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildKubebox, goBuildArguments } from "./build.ts";
import { buildOnce, takeBuildLock } from "./build-once.ts";
import { elapsed, goCounts, isNewEnough } from "./go.ts";
import { writeImageArchive } from "./image-archive.ts";
import { runCommand } from "./run-command.ts";
import { helmVersion, kubeboxDirectory, kubeboxNames, kubernetesVersion } from "./versions.ts";

const source = async (file: string): Promise<string> => await readFile(new URL(`kubebox/${file}`, import.meta.url), "utf8");
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "getabako-build-test-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe("the versions", () => {
  it("are those that go.mod builds", async () => {
    const goMod = await source("go.mod");
    expect(goMod).toContain(`k8s.io/kubernetes v${kubernetesVersion}\n`);
    expect(goMod).toContain(`helm.sh/helm/v4 v${helmVersion}\n`);
  });

  it("have a link for every program in main.go", async () => {
    const cases = [...(await source("main.go")).matchAll(/case "([a-z-]+)":/g)].map((match) => match[1]);
    expect(new Set(cases)).toEqual(new Set(kubeboxNames));
  });

  it("are told to the API server, which would otherwise call itself v0.0.0", () => {
    expect(goBuildArguments("/out").join(" ")).toContain(
      `gitVersion=v${kubernetesVersion} -X k8s.io/component-base/version.gitMajor=1 `,
    );
  });
});

describe("kubeboxDirectory", () => {
  it("is keyed by version below the user's cache", () => {
    expect(kubeboxDirectory({ XDG_CACHE_HOME: "/cache" })).toBe(`/cache/getabako/kube/${kubernetesVersion}`);
    expect(kubeboxDirectory({ XDG_CACHE_HOME: "" })).toMatch(/\/\.cache\/getabako\/kube\//);
  });
});

describe("buildKubebox", () => {
  it("says in one message what to do where Go is missing or too old", async () => {
    await writeFile(join(directory, "go"), "#!/bin/sh\necho go version go1.19.8 linux/amd64\n", { mode: 0o755 });
    const env = { PATH: directory, XDG_CACHE_HOME: join(directory, "cache") };
    await expect(buildKubebox({ report: () => {}, env })).rejects.toThrow(
      /too old \(go version go1\.19\.8.*apt-get install golang-go.*brew install go/,
    );
  });

  it("takes a finished build without asking for Go", async () => {
    const env = { PATH: "", XDG_CACHE_HOME: directory };
    const built = kubeboxDirectory(env);
    await runCommand("mkdir", ["-p", built]);
    await writeFile(join(built, "kubebox"), "");
    expect(await buildKubebox({ report: () => {}, env })).toBe(built);
  });
});

describe("buildOnce", () => {
  const report = (): void => {};

  it("makes what is not there, whole or not at all, and leaves nothing beside it", async () => {
    const once = { directory: join(directory, "cache", "1.2"), report };
    const broken = buildOnce(once, async ({ result }) => {
      await writeFile(join(result, "half"), "");
      throw new Error("no space left");
    });
    await expect(broken).rejects.toThrow("no space left");
    expect(await readdir(join(directory, "cache"))).toEqual([]);

    await buildOnce(once, async ({ scratch, result }) => {
      await writeFile(join(scratch, "waste"), "");
      await writeFile(join(result, "program"), "first");
    });
    await buildOnce(once, async () => await Promise.reject(new Error("it is there already")));
    expect(await readdir(join(directory, "cache"))).toEqual(["1.2"]);
    expect(await readdir(once.directory)).toEqual(["program"]);
  });

  it("is done by one of two that come at once", async () => {
    const once = { directory: join(directory, "both"), report };
    let builds = 0;
    const build = async ({ result }: { result: string }): Promise<void> => {
      builds++;
      await writeFile(join(result, "program"), "");
    };
    await Promise.all([buildOnce(once, build), buildOnce(once, build)]);
    expect(builds).toBe(1);
  });
});

describe("takeBuildLock", () => {
  it("lets a second command wait, told why, until the first is done", async () => {
    const file = join(directory, "lock");
    const release = await takeBuildLock(file, () => {});
    const lines: string[] = [];
    let taken = false;
    const second = takeBuildLock(file, (line) => lines.push(line)).then(async (releaseSecond) => {
      taken = true;
      await releaseSecond();
    });
    await expect.poll(() => lines).toEqual([expect.stringContaining(`process ${process.pid} is building it already`)]);
    expect(taken).toBe(false);
    await release();
    await second;
    expect(taken).toBe(true);
  });

  it("takes over from a process that died", async () => {
    const file = join(directory, "lock");
    // No kernel gives out a pid this high.
    await writeFile(file, "99999999\n");
    const release = await takeBuildLock(file, () => {});
    expect(await readFile(file, "utf8")).toMatch(new RegExp(`^${process.pid}\\b`));
    await release();
  });

  it.runIf(process.platform === "linux")("takes over from a process that died, also when its pid is another's now", async () => {
    const file = join(directory, "lock");
    await writeFile(file, `${process.pid} 1\n`);
    const release = await takeBuildLock(file, () => {});
    expect(await readFile(file, "utf8")).not.toBe(`${process.pid} 1\n`);
    await release();
  });
});

describe("go's progress", () => {
  it("counts downloads and compiled packages apart", () => {
    const lines = ["go: downloading a v1", "go: downloading b v1", "k8s.io/api", "k8s.io/apimachinery", "fmt"];
    expect(goCounts(lines, true, 1800)).toBe(", 2 modules downloaded, 3 of 1800 packages compiled");
    expect(goCounts(lines.slice(0, 1), false)).toBe(", 1 modules downloaded");
  });

  it.each([
    ["go version go1.26.8 linux/amd64", true],
    ["go version go1.21.0 darwin/arm64", true],
    ["go version go1.19.8 linux/amd64", false],
    ["go version devel go1.27-abc linux/amd64", true],
    ["gccgo (Debian) 12", false],
  ])("judges %s", (answer, good) => {
    expect(isNewEnough(answer)).toBe(good);
  });

  it.each([
    [4_400, "4 s"],
    [61_000, "1 min 1 s"],
    [600_000, "10 min 0 s"],
  ])("renders %i ms for people", (ms, text) => {
    expect(elapsed(ms)).toBe(text);
  });
});

describe("writeImageArchive", () => {
  it("writes what tar can read: a manifest, a configuration and one layer whose digest it names", async () => {
    const file = join(directory, "image.tar");
    await writeFile(join(directory, "program"), "#!/bin/true\n");
    const files = [{ path: "program", source: join(directory, "program"), mode: 0o755 }];
    await writeImageArchive({ file, name: "localhost/program:1", files, config: { Entrypoint: ["/program"] } });

    const extract = async (archive: string, name: string): Promise<string> => await runCommand("tar", ["-xOf", archive, name]);
    expect(JSON.parse(await extract(file, "manifest.json"))).toEqual([
      { Config: "config.json", RepoTags: ["localhost/program:1"], Layers: ["layer.tar"] },
    ]);
    await runCommand("tar", ["-xf", file, "-C", directory, "layer.tar"]);
    const layer = join(directory, "layer.tar");
    expect(await extract(layer, "program")).toBe("#!/bin/true\n");
    expect(await runCommand("tar", ["-tvf", layer])).toContain("-rwxr-xr-x");
    const digest = createHash("sha256")
      .update(await readFile(layer))
      .digest("hex");
    expect(JSON.parse(await extract(file, "config.json"))).toMatchObject({ rootfs: { diff_ids: [`sha256:${digest}`] } });
  });
});
