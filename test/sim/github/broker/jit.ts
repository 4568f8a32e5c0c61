import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID } from "node:crypto";
import type { JitCredentials } from "../state/model.ts";

/** What a JIT configuration says about its runner. */
export interface JitInput {
  readonly url: string;
  readonly runnerId: number;
  readonly name: string;
  readonly groupId: number;
  readonly groupName: string;
  readonly workFolder: string;
  readonly expiresAt: number;
}

interface JitKey {
  readonly publicKey: KeyObject;
  readonly jwk: JsonWebKey;
}

/** Generating a 2048-bit key takes up to a second of one core, so runners of a process share a few: the client id tells them apart. */
const poolSize = 2;
const pool: JitKey[] = [];
let taken = 0;

function nextKey(): JitKey {
  if (pool.length < poolSize) {
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = pair.publicKey.export({ type: "spki", format: "pem" });
    pool.push({ publicKey: createPublicKey(pem), jwk: pair.privateKey.export({ format: "jwk" }) });
  }
  taken += 1;
  return pool[taken % pool.length] as JitKey;
}

/** createJit makes the blob that GitHub's runner expects: base64 of JSON, file name to base64 of the file. */
export function createJit(input: JitInput): JitCredentials {
  const key = nextKey();
  const clientId = randomUUID();
  // As long as GitHub's own, so that the whole has its real size: above 4,096 characters, where some stores end.
  const tokenUrl = `${input.url}/_broker/tenants/00000000-0000-4000-8000-000000000000/oauth2/v2.0/token`;
  const files = {
    ".runner": {
      AgentId: String(input.runnerId),
      AgentName: input.name,
      DisableUpdate: "true",
      Ephemeral: "true",
      PoolId: String(input.groupId),
      PoolName: input.groupName,
      // An empty ServerUrl keeps the official client away from the older service.
      ServerUrl: "",
      // A bare origin: one client resolves paths against it, another appends to it.
      ServerUrlV2: new URL(input.url).origin,
      UseV2Flow: "true",
      WorkFolder: input.workFolder,
    },
    ".credentials": {
      Scheme: "OAuth",
      Data: {
        clientId,
        authorizationUrl: tokenUrl,
        authorizationUrlV2: tokenUrl,
        oauthEndpointUrl: tokenUrl,
        requireFipsCryptography: "True",
      },
    },
    ".credentials_rsaparams": rsaParameters(key.jwk),
  };
  const encodedFiles = Object.entries(files).map(([name, file]) => [name, base64(JSON.stringify(file))]);
  const encoded = base64(JSON.stringify(Object.fromEntries(encodedFiles)));
  return { encoded, clientId, publicKey: key.publicKey, expiresAt: input.expiresAt };
}

/** The official client wants the key's numbers in plain base64, under .NET's names for them. */
function rsaParameters(jwk: JsonWebKey): Record<string, string> {
  const number = (value: string | undefined) => Buffer.from(value ?? "", "base64url").toString("base64");
  return {
    exponent: number(jwk.e),
    modulus: number(jwk.n),
    d: number(jwk.d),
    p: number(jwk.p),
    q: number(jwk.q),
    dp: number(jwk.dp),
    dq: number(jwk.dq),
    inverseQ: number(jwk.qi),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
