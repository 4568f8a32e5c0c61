import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { brokenError, refusalError } from "./refusal.ts";

const headers = {
  date: undefined,
  retryAfter: undefined,
  rateLimit: undefined,
  acceptedPermissions: "organization_self_hosted_runners=write",
  requestId: "AB:12",
};
const organization = { organization: "acme" };

describe("refusalError", () => {
  it.each([
    [401, "Unauthorized", /credentials.*appId.*private key.*clock/],
    [
      403,
      "Forbidden",
      /of acme \(403\).*Organization permissions > Self-hosted runners: Read and write.*organization_self_hosted_runners=write/,
    ],
    [404, "NotFound", /of acme \(404\).*App is installed there with Organization permissions/],
    [409, "NameTaken", /exists already/],
    [410, "NotFound", /404/],
    [400, "Invalid", /\(400\)/],
    [422, "Invalid", /\(422\)/],
    [500, "Unavailable", /\(500\)/],
  ])("says for %i %s what to check", (status, code, message) => {
    const error = refusalError("mintJitConfig", organization, { ok: false, status, headers, saysRateLimit: false });
    expect(error).toMatchObject({ code, status, message: expect.stringMatching(message) });
    expect(error.message.length).toBeLessThan(300);
    expect(String(error.cause)).toContain("AB:12");
  });

  it("names the permission of repositories for a repository", () => {
    const refusal = { ok: false, status: 403, headers, saysRateLimit: false } as const;
    expect(refusalError("deleteRunner", { repository: "acme/web" }, refusal).message).toContain("Administration: Read and write");
    expect(refusalError("getJob", { repository: "acme/web" }, refusal).message).toContain("Actions: Read-only");
  });
});

describe("brokenError", () => {
  it.each([
    ["ENOTFOUND", /does not resolve/],
    ["ECONNREFUSED", /cannot be reached/],
    ["SELF_SIGNED_CERT_IN_CHAIN", /caBundleRef/],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", /caBundleRef/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", /caBundleRef/],
    ["ECONNRESET", /\(ECONNRESET\)/],
  ])("turns %s into advice", (code, message) => {
    const thrown = new TypeError("fetch failed", { cause: Object.assign(new Error("inner"), { code }) });
    expect(brokenError("getJob", "api.github.com", thrown)).toMatchObject({
      code: "Unavailable",
      message: expect.stringMatching(message),
    });
  });

  it("passes on nothing that hangs on the thrown error", () => {
    const thrown = Object.assign(new TypeError("fetch failed: Bearer planted-token"), {
      request: { headers: { authorization: "planted-token" }, body: "planted-body" },
    });
    const error = brokenError("getJob", "api.github.com", thrown);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("planted");
    expect(String(error.cause)).toBe("Error: fetch failed: [redacted]");
  });
});
