import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
  "node_modules/@kubernetes/client-node/package.json":
    '{ "name": "@kubernetes/client-node", "version": "2.0.0", "license": "Apache-2.0", "type": "module", "exports": "./dist/config.js" }',
  "node_modules/@kubernetes/client-node/LICENSE": "Apache License",
  "node_modules/@kubernetes/client-node/dist/config.js":
    'import "./patch.js"; import { configure } from "./gen/index.js"; export const configured = configure();',
  "node_modules/@kubernetes/client-node/dist/gen/index.js":
    'export * from "./configuration.js"; export * from "./models/V1Pod.js";',
  "node_modules/@kubernetes/client-node/dist/gen/configuration.js": 'export const configure = () => "configured";',
  "node_modules/@kubernetes/client-node/dist/gen/models/V1Pod.js": "export class V1Pod {} V1Pod.kinds = [];",
  "node_modules/@kubernetes/client-node/dist/patch.js": "globalThis.patched = 'patched';",
  "lazy.ts": `
    import { eol } from "common";
    import { configured } from "@kubernetes/client-node";
    declare const GETABAKO_VERSION: string;
    const launchARunner = () => (new Error().stack ?? "").includes("at launchARunner") ? "traced" : "lost";
    const sdk = await import("@aws-sdk/client-ecs");
    process.stdout.write([GETABAKO_VERSION, sdk.sep, launchARunner(), configured, globalThis.patched].join(" ") + eol);`,
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

  it("makes a program that runs alone, knows its version, has names in stack traces and loads the AWS SDK late", async () => {
    const outdir = `${elsewhere}dist`;
    const built = await bundle({ entry: `${root}lazy.ts`, outdir, version: "1.2.3", root });
    expect(built.files[0]?.path).toBe(built.entry);
    expect(built.files.length).toBeGreaterThan(1);
    expect(built.eagerBytes).toBeLessThan(built.files.reduce((sum, { bytes }) => sum + bytes, 0));

    const { stdout } = await promisify(execFile)(process.execPath, [`${outdir}/getabako.mjs`]);
    expect(stdout).toBe("1.2.3 / traced configured patched\n");
  });

  it("leaves out the client library's models that nobody uses", async () => {
    const outdir = `${elsewhere}models`;
    const { entry } = await bundle({ entry: `${root}lazy.ts`, outdir, version: "1.2.3", root });
    const text = await readFile(join(root, entry), "utf8");
    expect(text).not.toContain("V1Pod");
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
