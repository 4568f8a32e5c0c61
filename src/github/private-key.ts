import { type KeyObject, createPrivateKey } from "node:crypto";

/** PrivateKeyFinding is a usable key, or what is wrong with the text in words that fit a condition and quote nothing of it. */
export type PrivateKeyFinding = { readonly ok: true; readonly key: KeyObject } | { readonly ok: false; readonly problem: string };

const advice = "generate a private key in the App's settings and store the downloaded .pem file as it is";

/** verifyPrivateKey tells whether a text is the RSA key of a GitHub App: PEM, PKCS#1 or PKCS#8, also with "\n" written out. */
export function verifyPrivateKey(pem: string): PrivateKeyFinding {
  // Keys that went through an environment variable or a JSON file arrive with their line breaks written as two characters.
  const text = pem.replaceAll("\\n", "\n").replaceAll("\\r", "").trim();
  const problem = obviousProblem(text);
  if (problem !== undefined) return { ok: false, problem };
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, format: "pem" });
  } catch {
    const oneLine = !/-----\s*\n/.test(text);
    return {
      ok: false,
      problem: `the private key does not parse${oneLine ? ": its line breaks were lost" : ", it is damaged or cut short"}; ${advice}`,
    };
  }
  if (key.asymmetricKeyType !== "rsa") {
    return {
      ok: false,
      problem: `the private key is of type ${key.asymmetricKeyType ?? "unknown"}, but GitHub Apps use RSA; ${advice}`,
    };
  }
  return { ok: true, key };
}

/** privateKeyProblem is what is wrong with a text that should be a GitHub App's key; undefined if nothing is. */
export function privateKeyProblem(pem: string): string | undefined {
  const finding = verifyPrivateKey(pem);
  return finding.ok ? undefined : finding.problem;
}

function obviousProblem(text: string): string | undefined {
  if (text === "") return `the private key is empty; ${advice}`;
  if (/-----BEGIN (RSA )?PUBLIC KEY-----/.test(text) || /^(ssh-|ecdsa-)/.test(text)) return `this is a public key; ${advice}`;
  if (text.includes("-----BEGIN CERTIFICATE-----")) return `this is a certificate, not a private key; ${advice}`;
  if (text.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.includes("Proc-Type: 4,ENCRYPTED")) {
    return "the private key is protected by a passphrase; store it decrypted (openssl pkey -in key.pem -out plain.pem), the Secret protects it";
  }
  if (text.includes("-----BEGIN OPENSSH PRIVATE KEY-----"))
    return `the private key is in OpenSSH's own format, not PEM; ${advice}`;
  if (text.includes("-----BEGIN")) return undefined;
  if (Buffer.from(text, "base64").toString("latin1").startsWith("-----BEGIN")) {
    return "the private key is encoded in base64 once too often; put the PEM text into the Secret's stringData, or encode it once into data";
  }
  return `this is not a private key in PEM form (no "-----BEGIN" line); ${advice}`;
}
