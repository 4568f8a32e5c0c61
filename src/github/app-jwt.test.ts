import { generateKeyPairSync, verify } from "node:crypto";
import { inspect } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { AppJwtSigner } from "./app-jwt.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

function claims(jwt: string): { iat: number; exp: number; iss: string; jti: string } {
  return JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString());
}

describe("AppJwtSigner", () => {
  const now = Date.parse("2026-01-15T09:00:00Z");
  let signer: AppJwtSigner;

  beforeEach(() => {
    signer = new AppJwtSigner("4711", privateKey, { now: () => now });
  });

  it("signs with RS256 for the App", () => {
    const [header = "", payload = "", signature = ""] = signer.sign().split(".");
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "RS256", typ: "JWT" });
    expect(verify("RSA-SHA256", Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, "base64url"))).toBe(true);
    expect(claims(`.${payload}`).iss).toBe("4711");
  });

  it("is backdated by a minute and stays under ten minutes of life ahead", () => {
    const { iat, exp } = claims(signer.sign());
    expect(iat).toBe(now / 1_000 - 60);
    expect(exp).toBe(now / 1_000 + 540);
  });

  it("never signs the same bytes twice, not even within one second", () => {
    const jwts = Array.from({ length: 20 }, () => signer.sign());
    expect(new Set(jwts).size).toBe(20);
    expect(new Set(jwts.map((jwt) => claims(jwt).jti)).size).toBe(20);
  });

  it.each([
    ["ahead", "Thu, 15 Jan 2026 08:50:00 GMT", -600_000],
    ["behind", "Thu, 15 Jan 2026 09:20:00 GMT", 1_200_000],
  ])("learns GitHub's time when this clock is %s", (_name, date, skewMs) => {
    expect(signer.learn(date)).toBe(true);
    expect(signer.skewMs).toBe(skewMs);
    expect(claims(signer.sign()).exp).toBe((Date.parse(date) + 540_000) / 1_000);
    // The same answer again would change nothing: no second try.
    expect(signer.learn(date)).toBe(false);
  });

  it.each([undefined, "", "yesterday", "Thu, 15 Jan 2026 09:00:20 GMT"])("learns nothing from the date %j", (date) => {
    expect(signer.learn(date)).toBe(false);
    expect(signer.skewMs).toBe(0);
  });

  it("shows no key to whoever prints it", () => {
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    expect(inspect(signer, { depth: 10, showHidden: true })).not.toContain(pem.slice(40, 80));
  });
});
