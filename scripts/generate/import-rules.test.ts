import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { foldersWithoutRow, importOverrides } from "./import-rules.ts";
import { importTable } from "./import-table.ts";
import { oxlintConfig } from "./oxlint-config.ts";

const oxlint = fileURLToPath(new URL("../../node_modules/.bin/oxlint", import.meta.url));

/** A file, one import in it, and whether the rules of style let it through. */
type Row = readonly [file: string, statement: string, allowed: boolean];

const rows: readonly Row[] = [
  ["src/util/a.ts", 'import "node:timers/promises";', true],
  ["src/util/a.ts", 'import "./b.ts";', true],
  ["src/util/a.ts", 'import "zod";', false],
  ["src/util/a.ts", 'import "../telemetry/log.ts";', false],
  ["src/api/a.ts", 'import "zod";', true],
  ["src/api/v1alpha1/a.ts", 'import "zod/v4";', true],
  ["src/api/v1alpha1/a.ts", 'import "../kind.ts";', true],
  ["src/api/v1alpha1/a.ts", 'import "../../util/duration.ts";', false],
  ["src/telemetry/a.ts", 'import "prom-client";', true],
  ["src/kube/a.ts", 'import "@kubernetes/client-node/dist/config.js";', true],
  ["src/kube/a.ts", 'import "undici";', true],
  ["src/kube/a.ts", 'import "../telemetry/log.ts";', true],
  ["src/kube/a.ts", 'import "../api/kind.ts";', false],
  ["src/kube/a.ts", 'import type { A } from "../api/kind.ts";', false],
  ["src/kube/a.ts", 'export * from "../provider/types.ts";', false],
  ["src/kube/a.ts", 'export const a = import("../github/client.ts");', false],
  ["src/kube/a.ts", 'import "pino";', false],
  ["src/kube/a.ts", 'import "../main.ts";', false],
  ["src/request/a.ts", 'import "../kube/conditions.ts";', true],
  ["src/request/a.ts", 'import "../provider/types.ts";', false],
  ["src/provider/a.ts", 'import "../api/v1alpha1/names.ts";', true],
  ["src/provider/a.ts", 'import "./types.ts";', true],
  ["src/provider/a.ts", 'import "./ecs/provider.ts";', false],
  ["src/provider/a.ts", 'import "../kube/client.ts";', false],
  ["src/provider/ecs/a.ts", 'import "@aws-sdk/client-ecs";', true],
  ["src/provider/ecs/a.ts", 'import "@kubernetes/client-node";', false],
  ["src/provider/ecs/a.ts", 'import "../errors.ts";', true],
  ["src/provider/ecs/a.ts", 'import "../registry.ts";', false],
  ["src/provider/ecs/a.ts", 'import "../fake/provider.ts";', false],
  ["src/provider/ecs/a.ts", 'import "../../github/types.ts";', false],
  ["src/provider/ecs/a.ts", 'import type { L } from "../../telemetry/log.ts";', true],
  ["src/provider/ecs/a.ts", 'import { L } from "../../telemetry/log.ts";', false],
  ["src/provider/fake/a.ts", 'import "@aws-sdk/client-ecs";', false],
  ["src/provider/new/a.ts", 'import "../types.ts";', true],
  ["src/provider/new/a.ts", 'import "../../kube/client.ts";', false],
  ["src/provider/pod/a.ts", 'import type { C } from "../../kube/client.ts";', true],
  ["src/provider/pod/a.ts", 'import { C } from "../../kube/client.ts";', false],
  ["src/github/a.ts", 'import "@octokit/auth-app";', true],
  ["src/github/a.ts", 'import "../kube/client.ts";', false],
  ["src/intake/a.ts", 'import "../github/errors.ts";', true],
  ["src/intake/a.ts", 'import "../github/client.ts";', false],
  ["src/intake/a.ts", 'import "@octokit/webhooks";', false],
  ["src/intake/a.ts", 'import "../controllers/shared.ts";', false],
  ["src/intake/a.ts", 'import "../provider/types.ts";', false],
  ["src/intake/a.ts", 'import "./webhook/server.ts";', true],
  ["src/provider/a.test.ts", 'import "./ecs/provider.ts";', false],
  ["src/intake/webhook/a.ts", 'import "@octokit/webhooks";', true],
  ["src/intake/webhook/a.ts", 'import "../decide.ts";', true],
  ["src/intake/sweep/a.ts", 'import "@octokit/webhooks";', false],
  ["src/controllers/runner-request/a.ts", 'import "../../provider/types.ts";', true],
  ["src/controllers/runner-request/a.ts", 'import "../../provider/registry.ts";', false],
  ["src/controllers/runner-request/a.ts", 'import "../../provider/ecs/provider.ts";', false],
  ["src/controllers/runner-request/a.ts", 'import "../runner-target/controller.ts";', false],
  ["src/controllers/runner-request/a.ts", 'import "../../intake/decide.ts";', false],
  ["src/controllers/runner-request/a.ts", 'import "@aws-sdk/client-ecs";', false],
  ["src/controllers/runner-request/a.ts", 'import "vitest";', false],
  ["src/controllers/runner-request/a.test.ts", 'import "vitest";', true],
  ["src/controllers/runner-request/a.test.ts", 'import "../../../test/support/clock.ts";', true],
  ["src/controllers/runner-request/a.ts", 'import "../../../test/support/clock.ts";', false],
  ["src/controllers/runner-request/a.test.ts", 'import "../../intake/decide.ts";', false],
  ["src/cli/a.ts", 'import "../provider/ecs/provider.ts";', true],
  ["src/cli/a.ts", 'import "../main.ts";', false],
  ["src/main.ts", 'import "./cli/run.ts";', true],
  ["test/kube/a.ts", 'import "../../src/kube/client.ts";', true],
  ["test/kube/a.ts", 'import "@aws-sdk/client-ecs";', true],
  ["test/kube/a.ts", 'import "../../src/main.ts";', false],
  ["demo/a.ts", 'import "../src/main.ts";', false],
];

describe("the generated lint configuration", () => {
  let directory: string;
  let refused: Set<string>;

  // One run of the real linter over one file per row: what counts is what it catches, not what the configuration looks like.
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "getabako-lint-"));
    await writeFile(join(directory, ".oxlintrc.json"), JSON.stringify(oxlintConfig(importTable)));
    for (const [index, [file, statement]] of rows.entries()) {
      const path = join(directory, placed(file, index));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `${statement}\n`);
    }
    const { stdout } = await promisify(execFile)(oxlint, ["--format=json"], { cwd: directory }).catch(
      (error: { stdout: string }) => error,
    );
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
    refused = new Set(diagnostics.filter(({ code }) => code.includes("no-restricted-imports")).map(({ filename }) => filename));
  });
  afterAll(async () => await rm(directory, { recursive: true, force: true }));

  it.each(rows.map((row, index) => [...row, index] as const))("%s: %s (allowed: %s)", (file, _statement, allowed, index) => {
    expect(refused.has(placed(file, index))).toBe(!allowed);
  });
});

/** placed gives every row a file of its own in the folder it speaks of; src/main.ts has its own name. */
function placed(file: string, index: number): string {
  return file.replace(/\/a(?=[.])/, `/a${index}`);
}

describe("the import table", () => {
  it("has every row as overrides of its own, tests included, the more exact path later", () => {
    const files = importOverrides(importTable).flatMap((override) => override.files);
    expect(files).toHaveLength(importTable.length * 2);
    expect(files.indexOf("src/provider/ecs/*.ts")).toBeGreaterThan(files.indexOf("src/provider/*/*.ts"));
    expect(files.indexOf("src/provider/*/*.ts")).toBeGreaterThan(files.indexOf("src/provider/*.ts"));
  });

  it("misses no folder of src silently", () => {
    expect(foldersWithoutRow(importTable, ["util", "provider/ecs", "provider/anything", "intake/webhook"])).toEqual([]);
    expect(foldersWithoutRow(importTable, ["helpers", "provider/ecs/deep", "kube/x"])).toEqual([
      "helpers",
      "provider/ecs/deep",
      "kube/x",
    ]);
  });
});
