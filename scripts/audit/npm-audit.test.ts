import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NotReached, npmAudit } from "./npm-audit.ts";

/** The way of npm: name and versions go out, advisories come back. */
const endpoint = "/-/npm/v1/security/advisories/bulk";
const advisory = {
  id: 1,
  url: "https://github.com/advisories/GHSA-2345-6789-cfgh",
  title: "Inner breaks",
  severity: "high",
  vulnerable_versions: "<1.5.0",
  cwe: [],
  cvss: { score: 7, vectorString: null },
};

let project: string;
let registry: Server;
let status: number;
let asked: unknown;
let env: NodeJS.ProcessEnv;
beforeEach(async () => {
  status = 200;
  asked = undefined;
  project = await mkdtemp(join(tmpdir(), "getabako-audit-test-"));
  const manifest = { name: "project", version: "1.0.0", dependencies: { outer: "1.0.0" } };
  await writeFile(join(project, "package.json"), JSON.stringify(manifest));
  const packages = {
    "": manifest,
    "node_modules/outer": { version: "1.0.0", dependencies: { inner: "^1.0.0" } },
    "node_modules/inner": { version: "1.2.0" },
  };
  await writeFile(
    join(project, "package-lock.json"),
    JSON.stringify({ ...manifest, lockfileVersion: 3, requires: true, packages }),
  );
  registry = createServer((request, response) => {
    if (request.method !== "POST" || request.url !== endpoint) {
      response.writeHead(404).end("{}");
      return;
    }
    const body = request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request;
    void text(body).then((sent) => {
      asked = JSON.parse(sent);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ inner: [advisory] }));
    });
  });
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
  // Nothing of this machine's npm: neither its registry nor its proxy.
  env = {
    PATH: process.env["PATH"],
    HOME: project,
    npm_config_registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`,
    npm_config_cache: join(project, "cache"),
    npm_config_globalconfig: join(project, "none"),
    npm_config_update_notifier: "false",
  };
});
afterEach(async () => {
  registry.closeAllConnections();
  await new Promise((resolve) => registry.close(resolve));
  await rm(project, { recursive: true, force: true });
});

it("tells once what a registry knows, at the package that it is about", async () => {
  expect(await npmAudit(project, env)).toEqual([
    {
      id: "GHSA-2345-6789-cfgh",
      package: "inner",
      severity: "high",
      title: "Inner breaks",
      url: advisory.url,
      range: "<1.5.0",
      directories: ["node_modules/inner"],
    },
  ]);
  expect(asked).toEqual({ outer: ["1.0.0"], inner: ["1.2.0"] });
});

it("takes a registry that does not answer for no answer, not for a good one", async () => {
  status = 405;
  await expect(npmAudit(project, env)).rejects.toThrow(NotReached);
  await expect(npmAudit(project, { ...env, npm_config_registry: "http://127.0.0.1:1/" })).rejects.toThrow(NotReached);
});
