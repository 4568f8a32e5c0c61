import { describe, expect, it } from "vitest";
import { isApiError, refusal, unreachable } from "./api-error.ts";

const status = (reason: string, message = "said the server") => ({ kind: "Status", reason, message });
const about = { doing: "patch widgets a/b", quote: true };

describe("refusal", () => {
  it.each([
    [404, status("NotFound"), "NotFound"],
    [409, status("AlreadyExists"), "AlreadyExists"],
    [409, status("Conflict"), "Conflict"],
    [410, status("Gone"), "Expired"],
    [410, undefined, "Expired"],
    [422, status("Invalid"), "Invalid"],
    [429, "slow down", "TooManyRequests"],
    [500, status("InternalError"), "InternalError"],
    [502, "<html>", "Unavailable"],
    [503, status("ServiceUnavailable"), "Unavailable"],
    [504, status("Timeout"), "Unavailable"],
    [418, undefined, "Unknown"],
  ])("reads the reason of a %i", (code, body, reason) => {
    const error = refusal({ status: code, body, ...about });
    expect(error).toMatchObject({ status: code, reason });
    expect(isApiError(error, reason)).toBe(true);
    expect(isApiError(error, "Other")).toBe(false);
  });

  it("quotes the server where its words help, and never for a kind that is secret", () => {
    expect(refusal({ status: 422, body: status("Invalid", "spec.size: too big"), ...about }).message).toBe(
      "patch widgets a/b: Invalid (422): spec.size: too big",
    );
    expect(refusal({ status: 422, body: status("Invalid", "data.key: hunter2"), ...about, quote: false }).message).not.toContain(
      "hunter2",
    );
    expect(refusal({ status: 409, body: status("Conflict", "long story"), ...about }).message).toBe(
      "patch widgets a/b: Conflict (409)",
    );
  });

  it("cuts what the server says, and keeps its end, where the reason stands behind the object that is refused", () => {
    const said = `patch: Invalid value: "${"x".repeat(5_000)}": strict decoding error: unknown field "status.title"`;
    const { message } = refusal({ status: 422, body: status("Invalid", said), ...about });
    expect(message.length).toBeLessThan(400);
    expect(message).toMatch(/patch: Invalid value: "x+…x+": strict decoding error: unknown field "status\.title"$/);
  });

  it.each([
    ["3", undefined, 3_000],
    [undefined, { retryAfterSeconds: 2 }, 2_000],
    ["Wed, 21 Oct 2026 07:28:00 GMT", undefined, undefined],
    [undefined, undefined, undefined],
  ])("reads how long to wait from header %s and details %o", (retryAfter, details, expected) => {
    const error = refusal({ status: 429, retryAfter, body: { ...status("TooManyRequests"), details }, ...about });
    expect(error.retryAfterMs).toBe(expected);
  });
});

describe("unreachable", () => {
  it("has status 0 and the reason Unavailable", () => {
    const cause = new Error("ECONNREFUSED");
    expect(unreachable("get widgets a/b", "refused", cause)).toMatchObject({
      status: 0,
      reason: "Unavailable",
      cause,
      message: "get widgets a/b: no answer from the API server: refused",
    });
  });

  it("is told from errors of others", () => {
    expect(isApiError(new Error("x"))).toBe(false);
    expect(isApiError({ name: "ApiError", reason: "NotFound" })).toBe(false);
  });
});
