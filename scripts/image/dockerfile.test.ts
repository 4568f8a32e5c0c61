import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { licencesFile } from "../build.ts";
import { defaults, labels } from "./config.ts";
import { instructionsOf, lastStage } from "./dockerfile.ts";
import { command, places } from "./runtime-files.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = await readFile(`${root}Dockerfile`, "utf8");
const manifest = JSON.parse(await readFile(`${root}package.json`, "utf8")) as {
  version: string;
  description: string;
  license: string;
  engines: { node: string };
};

const instructions = instructionsOf(text);
const finalStage = lastStage(instructions);
const argument = (name: string): string | undefined => finalStage.findLast(([instruction]) => instruction === name)?.[1];

describe("the Dockerfile", () => {
  it("makes an image with the same defaults as npm run image", () => {
    const { User, Entrypoint, Cmd, WorkingDir, Env, ExposedPorts } = defaults;
    expect(argument("USER")).toBe(User);
    expect(JSON.parse(argument("ENTRYPOINT") ?? "")).toEqual(Entrypoint);
    expect(JSON.parse(argument("CMD") ?? "")).toEqual(Cmd);
    expect(argument("WORKDIR")).toBe(WorkingDir);
    expect(argument("ENV")).toBe(Env.join(" "));
    expect(
      argument("EXPOSE")
        ?.split(" ")
        .map((port) => `${port}/tcp`),
    ).toEqual(Object.keys(ExposedPorts));
  });

  it("has the same labels", () => {
    expect(argument("ARG")).toBe(`VERSION=${manifest.version}`);
    const given = [...(argument("LABEL") ?? "").matchAll(/([\w.]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);
    const wanted = Object.entries(labels(manifest)).map(([name, value]) => [
      name,
      value === manifest.version ? "${VERSION}" : value,
    ]);
    expect(given).toEqual(wanted);
  });

  it("puts the files where npm run image puts them", () => {
    expect(text).toContain(`cp node_modules/node-linux-*/bin/node /image${places.node}`);
    expect(text).toContain(`cp -R dist/. /image${places.app}/`);
    expect(text).toContain(`mv dist/${licencesFile} LICENSE /image${places.licences}/getabako/`);
    expect(text).toContain(`cp node_modules/node-linux-*/LICENSE /image${places.licences}/node/`);
    expect(text).toContain(`printf '${command.replaceAll("\n", "\\n")}' > /image${places.command}`);
    expect(text).toContain(`chmod 755 /image${places.command}`);
    expect(argument("COPY")).toBe("--from=build /image/ /");
  });

  it("builds with the Node.js that the project asks for, and ends with no shell", () => {
    const [build, final] = instructions.filter(([name]) => name === "FROM").map(([, image]) => image);
    expect(build).toBe(`node:${manifest.engines.node.replace(">=", "")}-bookworm-slim AS build`);
    expect(final).toBe("gcr.io/distroless/cc-debian12:nonroot");
    expect(finalStage.map(([name]) => name)).not.toContain("RUN");
  });

  it("gets everything that it copies from the context, and the context holds nothing else", async () => {
    const rules = (await readFile(`${root}.dockerignore`, "utf8"))
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    expect(rules[0]).toBe("*");
    const allowed = rules.filter((rule) => rule.startsWith("!")).map((rule) => rule.slice(1));
    const copied = instructions
      .filter(([name, value]) => name === "COPY" && !value.startsWith("--from"))
      .flatMap(([, value]) => value.split(" ").slice(0, -1));
    expect(copied.toSorted()).toEqual(allowed.toSorted());
    // Without tests.
    expect(rules.at(-1)).toBe("**/*.test.ts");
  });
});
