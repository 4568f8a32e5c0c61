import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { createLogger } from "../telemetry/log.ts";
import { GitHubError } from "./errors.ts";
import { errorCode, redact, scrubCause } from "./redact.ts";

const shortToken = `ghs_${"A".repeat(36)}`;
const longToken = `ghs_12345_eyJhbGciOiJSUzI1NiJ9.${"b".repeat(300)}.${"c-_".repeat(60)}`;
const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiI0NzExIn0.c2lnbmF0dXJl";

describe("redact", () => {
  it.each([
    ["a short token", shortToken],
    ["a long token with dots", longToken],
    ["a personal token", "ghp_0123456789abcdef"],
    ["a fine-grained token", "github_pat_11AAAA_bbbb"],
    ["a JWT", jwt],
    ["a key", "-----BEGIN RSA PRIVATE KEY-----\nMIIEsecret\n-----END RSA PRIVATE KEY-----"],
    ["half a key", "-----BEGIN RSA PRIVATE KEY-----\nMIIEsecret"],
  ])("removes %s and keeps what is around it", (_name, secret) => {
    expect(redact(`before "${secret}" after`)).toMatch(/^before "\[redacted\]/);
    expect(redact(`before "${secret}"`)).not.toContain(secret.slice(4, 20));
  });

  it("removes an Authorization header's value and a proxy's password", () => {
    expect(redact("authorization: Bearer abc.def")).toBe("authorization: [redacted]");
    expect(redact("connect to http://bot:hunter2@proxy:3128 failed")).toBe("connect to http:[redacted]proxy:3128 failed");
  });
});

describe("scrubCause", () => {
  it("keeps codes and messages of the chain and nothing that hangs on the errors", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED", address: "127.0.0.1" });
    const failed = Object.assign(new TypeError("fetch failed", { cause: refused }), {
      request: { headers: { authorization: `token ${longToken}` }, body: "planted-body" },
      response: { data: "planted-data" },
    });
    failed.stack = `TypeError: fetch failed with ${shortToken}`;
    const scrubbed = scrubCause(failed);
    expect(scrubbed.message).toBe("fetch failed; ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1");
    let logged = "";
    const log = createLogger({ destination: { write: (line) => void (logged += line) } });
    const error = new GitHubError("Unavailable", "no answer", { cause: scrubbed });
    log.error({ err: error }, "failed");
    log.error(error);
    const printed = `${inspect(error, { depth: 20, showHidden: true })}${JSON.stringify(error)}${logged}${String(error.stack)}`;
    for (const secret of [shortToken, longToken, "planted-body", "planted-data"]) expect(printed).not.toContain(secret);
    expect(logged).toContain("ECONNREFUSED");
  });

  it.each([undefined, null, "text", 42, { message: 1 }])("copes with %j being thrown", (thrown) => {
    expect(scrubCause(thrown).message).toBe("no further detail");
  });

  it("does not walk a chain without end", () => {
    const loop = new Error("a");
    loop.cause = loop;
    expect(scrubCause(loop).message).toBe("a; a; a; a");
  });
});

describe("errorCode", () => {
  it("finds the code of the innermost cause", () => {
    expect(errorCode(new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code: "ENOTFOUND" }) }))).toBe(
      "ENOTFOUND",
    );
    expect(errorCode(new Error("x"))).toBeUndefined();
  });
});
