import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "./build.ts";

const files = {
  "node_modules/@aws-sdk/client-ecs/package.json":
    '{ "name": "@aws-sdk/client-ecs", "version": "3.2.1", "license": "Apache-2.0", "main": "index.js", "module": "index.mjs" }',
  "node_modules/@aws-sdk/client-ecs/LICENSE": "Apache License",
  "node_modules/@aws-sdk/client-ecs/index.js": 'throw new Error("the ES module should have been taken");',
  "node_modules/@aws-sdk/client-ecs/index.mjs": 'export { sep } from "node:path";',
  "node_modules/common/package.json": '{ "name": "common", "version": "1.0.0", "license": "MIT", "main": "index.js" }',
  "node_modules/common/LICENSE": "Copyright Someone",
  "node_modules/common/index.js": 'exports.eol = require("os").EOL;',
  "other.ts": "export class LaunchError extends Error {}",
  "lazy.ts": `
    import { eol } from "common";
    import { LaunchError as Other } from "./other.ts";
    declare const GETABAKO_VERSION: string;
    class LaunchError extends Error {}
    const sdk = await import("@aws-sdk/client-ecs");
    process.stdout.write([GETABAKO_VERSION, sdk.sep, LaunchError.name, Other.name].join(" ") + eol);`,
  "eager.ts": 'import { sep } from "@aws-sdk/client-ecs"; process.stdout.write(sep);',
  "nameless.ts": 'const { eol } = await import("common"); process.stdout.write(eol);',
};

describe("bundle", () => {
  let root: string;
  let elsewhere: string;
  beforeAll(async () => {
    root = `${await mkdtemp(join(tmpdir(), "getabako-build-"))}/`;
    // The program has to run where no node_modules is.
    elsewhere = `${await mkdtemp(join(tmpdir(), "getabako-bundle-"))}/`;
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
    await rm(elsewhere, { recursive: true, force: true });
  });

  it("makes a program that runs alone, knows its version, keeps names and loads the AWS SDK late", async () => {
    const outdir = `${elsewhere}dist`;
    const built = await bundle({ entry: `${root}lazy.ts`, outdir, version: "1.2.3", root });
    expect(built.files[0]?.path).toBe(built.entry);
    expect(built.files.length).toBeGreaterThan(1);
    expect(built.eagerBytes).toBeLessThan(built.files.reduce((sum, { bytes }) => sum + bytes, 0));

    const { stdout } = await promisify(execFile)(process.execPath, [`${outdir}/getabako.mjs`]);
    expect(stdout).toBe("1.2.3 / LaunchError LaunchError\n");
  });

  it("refuses a program that would load the AWS SDK at start", async () => {
    const eager = bundle({ entry: `${root}eager.ts`, outdir: `${elsewhere}eager`, version: "1.2.3", root });
    await expect(eager).rejects.toThrow("node_modules/@aws-sdk/client-ecs/index.mjs would be loaded at start");
  });

  it("refuses import() of a CommonJS package, whose names a bundle would lose", async () => {
    const nameless = bundle({ entry: `${root}nameless.ts`, outdir: `${elsewhere}nameless`, version: "1.2.3", root });
    await expect(nameless).rejects.toThrow("import() of node_modules/common/index.js gives only a default export");
  });
});
