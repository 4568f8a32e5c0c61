import { createHmac, timingSafeEqual } from "node:crypto";

/** signatureOf reads the header X-Hub-Signature-256; undefined when it is missing or not of that form. */
export function signatureOf(header: string | undefined): Buffer | undefined {
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(header ?? "")?.[1];
  return hex === undefined ? undefined : Buffer.from(hex, "hex");
}

/**
 * isSignedBy tells whether a signature over the raw bytes of a body was made with a secret. The time it takes says nothing about
 * where the two differ. @octokit/webhooks would do, but takes text: bytes that are no UTF-8 would be verified as other bytes.
 */
export function isSignedBy(secret: Uint8Array, body: Uint8Array, signature: Uint8Array): boolean {
  // Anybody can sign with the empty key.
  if (secret.length === 0) return false;
  const expected = createHmac("sha256", secret).update(body).digest();
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

/** webhookSecret is a Secret's value without the line break that editors and `--from-file` leave at its end; GitHub's form takes none. */
export function webhookSecret(value: Uint8Array): Uint8Array {
  let end = value.length;
  while (end > 0 && (value[end - 1] === 0x0a || value[end - 1] === 0x0d)) end--;
  return value.subarray(0, end);
}
