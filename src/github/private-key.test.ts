import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { verifyPrivateKey } from "./private-key.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pkcs1 = rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const pkcs8 = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const publicKey = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const encrypted = rsa.privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString();

describe("verifyPrivateKey", () => {
  it.each([
    ["PKCS#1, as downloaded", pkcs1],
    ["PKCS#8", pkcs8],
    ["line breaks written as \\n", pkcs1.replaceAll("\n", "\\n")],
    ["Windows line breaks", pkcs8.replaceAll("\n", "\r\n")],
    ["space around it", `\n  ${pkcs1}\n\n`],
  ])("accepts a key: %s", (_name, pem) => {
    expect(verifyPrivateKey(pem)).toMatchObject({ ok: true, key: { asymmetricKeyType: "rsa" } });
  });

  it.each([
    ["nothing", "", /is empty/],
    ["blanks", " \n", /is empty/],
    ["a public key", publicKey, /public key/],
    ["an SSH public key", "ssh-rsa AAAAB3NzaC1yc2E me@host", /public key/],
    ["a certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", /certificate/],
    ["a key that is not RSA", ec, /type ec.*use RSA/],
    ["a key with a passphrase", encrypted, /passphrase/],
    [
      "an old key with a passphrase",
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nAAAA\n-----END RSA PRIVATE KEY-----",
      /passphrase/,
    ],
    ["OpenSSH's format", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", /OpenSSH/],
    ["base64 of PEM", Buffer.from(pkcs1).toString("base64"), /base64 once too often/],
    ["some other text", "hunter2", /not a private key in PEM form/],
    ["a key that was cut short", `${pkcs1.slice(0, 400)}\n-----END RSA PRIVATE KEY-----\n`, /damaged or cut short/],
    ["a key on one line", pkcs1.replaceAll("\n", " "), /line breaks were lost/],
  ])("says what is wrong with %s", (_name, pem, problem) => {
    const finding = verifyPrivateKey(pem);
    expect(finding).toEqual({ ok: false, problem: expect.stringMatching(problem) });
    const middle = pem
      .slice(Math.floor(pem.length / 2))
      .trim()
      .slice(0, 24);
    expect(JSON.stringify(finding)).not.toContain(middle.length < 8 ? "\0" : middle);
  });
});
