import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isSignedBy, signatureOf, webhookSecret } from "./signature.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("isSignedBy", () => {
  test("agrees with the example of GitHub's documentation", () => {
    const signature = signatureOf("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    expect(isSignedBy(bytes("It's a Secret to Everybody"), bytes("Hello, World!"), signature ?? bytes(""))).toBe(true);
    expect(isSignedBy(bytes("It's a Secret to Everybody"), bytes("Hello, World?"), signature ?? bytes(""))).toBe(false);
    expect(isSignedBy(bytes("It's a secret to everybody"), bytes("Hello, World!"), signature ?? bytes(""))).toBe(false);
  });

  test("never takes the empty secret, with which anybody can sign", () => {
    const signature = createHmac("sha256", "").update("body").digest();
    expect(isSignedBy(bytes(""), bytes("body"), signature)).toBe(false);
  });

  test("is about bytes: a body that is no UTF-8 is not mistaken for another one", () => {
    const signature = createHmac("sha256", "s").update("\ufffd").digest();
    expect(isSignedBy(bytes("s"), new Uint8Array([0xff]), signature)).toBe(false);
  });

  test("takes no signature of another length", () => {
    expect(isSignedBy(bytes("s"), bytes("body"), bytes(""))).toBe(false);
  });
});

describe("signatureOf", () => {
  const hex = "ab".repeat(32);

  test.each([
    undefined,
    "",
    hex,
    `sha1=${hex}`,
    `sha256=${hex}0`,
    `sha256=${hex.slice(1)}`,
    `sha256=${"zz".repeat(32)}`,
    `sha256=${hex}\n`,
  ])("%j is none", (header) => {
    expect(signatureOf(header)).toBeUndefined();
  });

  test("reads 32 bytes, in either case", () => {
    expect(signatureOf(`sha256=${hex}`)).toEqual(Buffer.alloc(32, 0xab));
    expect(signatureOf(`sha256=${hex.toUpperCase()}`)).toEqual(Buffer.alloc(32, 0xab));
  });
});

test.each([
  ["secret", "secret"],
  ["secret\n", "secret"],
  ["secret\r\n", "secret"],
  [" secret ", " secret "],
  ["two\nlines", "two\nlines"],
  ["\n", ""],
])("webhookSecret reads %j as %j", (value, secret) => {
  expect(Buffer.from(webhookSecret(bytes(value))).toString()).toBe(secret);
});
