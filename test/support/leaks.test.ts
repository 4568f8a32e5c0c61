import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { findLeaks } from "./leaks.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const secrets = ["ghs_0123456789abcdefghij", pem];
const find = (text: string): string[] => findLeaks(secrets, [{ where: "the log", text }]);

describe("looking for secrets", () => {
  it.each([
    ["as it is", `{"msg":"token ghs_0123456789abcdefghij"}`],
    ["as JSON, with its line breaks escaped", JSON.stringify({ key: pem })],
    ["in base64, as in a Secret", Buffer.from(pem).toString("base64")],
    ["as a single line of a key", pem.split("\n")[3] ?? ""],
  ])("finds one %s", (_how, text) => {
    expect(find(text)).toEqual(["the log"]);
  });

  it("does not take the frame of a PEM file, or nothing at all, for a secret", () => {
    expect(find("-----BEGIN RSA PRIVATE KEY-----")).toEqual([]);
    expect(findLeaks(["", "short"], [{ where: "the log", text: "short and sweet" }])).toEqual([]);
  });

  it("names the place, never the secret", () => {
    expect(findLeaks(secrets, [{ where: "events", text: pem }]).join()).toBe("events");
  });
});
