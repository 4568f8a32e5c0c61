import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installPrometheus, prometheusDirectory } from "./prometheus.ts";
import { prometheusVersion } from "./versions.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "getabako-prometheus-test-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe("installPrometheus", () => {
  it("builds the version that it is called by", async () => {
    const goMod = await readFile(new URL("prometheus/go.mod", import.meta.url), "utf8");
    const [, minor, patch] = /^3\.(\d+)\.(\d+)$/.exec(prometheusVersion) ?? [];
    expect(goMod).toMatch(
      new RegExp(`^\tgithub\\.com/prometheus/prometheus v0\\.3${minor?.padStart(2, "0")}\\.${patch}( |$)`, "m"),
    );
  });

  it("takes a finished build without asking for Go", async () => {
    const env = { PATH: "", XDG_CACHE_HOME: directory };
    const built = prometheusDirectory(env);
    expect(built).toBe(join(directory, "getabako", "prometheus", prometheusVersion));
    await mkdir(built, { recursive: true });
    for (const name of ["prometheus", "promtool"]) await writeFile(join(built, name), "");
    await expect(installPrometheus(() => {}, env)).resolves.toEqual({
      prometheus: join(built, "prometheus"),
      promtool: join(built, "promtool"),
    });
  });

  it("says in one message what to do where Go is too old, for half a build is none", async () => {
    await writeFile(join(directory, "go"), "#!/bin/sh\necho go version go1.19.8 linux/amd64\n", { mode: 0o755 });
    const env = { PATH: directory, XDG_CACHE_HOME: directory };
    await mkdir(prometheusDirectory(env), { recursive: true });
    await writeFile(join(prometheusDirectory(env), "promtool"), "");
    await expect(installPrometheus(() => {}, env)).rejects.toThrow(/too old \(go version go1\.19\.8/);
  });
});
