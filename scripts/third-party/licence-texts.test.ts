import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BundledPackage, bundledPackages, packageDirectory } from "./bundled-packages.ts";
import { licenceTexts } from "./licence-texts.ts";

describe("the packages of a bundle", () => {
  let root: string;
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  const add = async (name: string, licence: string, files: Readonly<Record<string, string>> = {}): Promise<BundledPackage> => {
    const directory = `node_modules/${name}`;
    await write(`${directory}/package.json`, JSON.stringify({ name, version: "1.0.0", license: licence }));
    for (const [file, text] of Object.entries(files)) await write(`${directory}/${file}`, text);
    return { name, version: "1.0.0", directory, licence };
  };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "getabako-licences-"));
  });
  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });

  it("are those that left a byte in it, the innermost of nested ones", async () => {
    const outer = await add("outer", "MIT");
    const inner = await add("outer/node_modules/@scope/inner", "ISC");
    await write(`${inner.directory}/package.json`, '{ "name": "@scope/inner", "version": "2.0.0", "license": "ISC" }');
    const input = (bytesInOutput: number) => ({ bytesInOutput });
    const outputs = {
      "dist/main.mjs": {
        bytes: 2,
        imports: [],
        exports: [],
        inputs: {
          "src/main.ts": input(1),
          [`${outer.directory}/index.js`]: input(1),
          [`${inner.directory}/lib/deep/index.js`]: input(7),
          "node_modules/shaken-away/index.js": input(0),
        },
      },
    };
    expect(bundledPackages({ outputs }, root)).toEqual([{ ...inner, name: "@scope/inner", version: "2.0.0" }, outer]);
    expect(packageDirectory("src/node/modules.ts")).toBeUndefined();
  });

  it("share a text that is the same, and bring their notices", async () => {
    const text = licenceTexts(
      [
        await add("a", "MIT", { LICENSE: "Copyright A\r\n" }),
        await add("b", "MIT", { "license.md": "Copyright A\n" }),
        await add("c", "Apache-2.0", { "LICENSE.txt": "Apache License", NOTICE: "C was made by C." }),
      ],
      root,
    );
    expect(text.match(/Copyright A/g)).toHaveLength(1);
    expect(text).toMatch(/\na 1\.0\.0\nb 1\.0\.0\n-+\n\nCopyright A\n/);
    expect(text).toMatch(/\nc 1\.0\.0\n-+\n\nApache License\n\nC was made by C\.\n/);
  });

  it("may lack a text that is the same for all, and no other", async () => {
    const apache = [await add("a", "Apache-2.0", { LICENSE: "Apache License" }), await add("b", "Apache-2.0")];
    expect(licenceTexts(apache, root)).toMatch(/\na 1\.0\.0\nb 1\.0\.0\n-+\n\nApache License\n/);
    const mit = [await add("c", "MIT", { LICENSE: "Copyright C" }), await add("d", "MIT")];
    expect(() => licenceTexts(mit, root)).toThrow("d is in the bundle and has no file with its licence (MIT)");
  });
});
