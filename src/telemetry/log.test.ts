import { describe, expect, it } from "vitest";
import { createLogger } from "./log.ts";

function capture() {
  const written: string[] = [];
  return { log: createLogger({ level: "debug", destination: { write: (text) => void written.push(text) } }), written };
}

describe("createLogger", () => {
  it("writes one JSON line with level and time as text", () => {
    const { log, written } = capture();
    log.child({ controller: "c" }).info({ n: 1 }, "did something");
    expect(JSON.parse(written[0] ?? "")).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      controller: "c",
      n: 1,
      msg: "did something",
    });
  });

  it("calls an error by its name, whatever its class is called", () => {
    const { log, written } = capture();
    class ApiError2 extends Error {
      override readonly name = "ApiError";
    }
    log.error({ err: new ApiError2("gone", { cause: new Error("no route") }) }, "failed");
    const { err } = JSON.parse(written[0] ?? "") as { err: Record<string, string> };
    expect(err).toMatchObject({ type: "ApiError", message: "gone: no route" });
    expect(err["stack"]).toContain("log.test.ts");
    log.error({ err: "only text" }, "failed");
    expect(JSON.parse(written[1] ?? "")).toMatchObject({ err: "only text" });
  });

  it("replaces what could be a credential, wherever it is logged", () => {
    const { log, written } = capture();
    const secret = "hunter2";
    for (const field of [
      "jitConfig",
      "encoded_jit_config",
      "token",
      "privateKey",
      "authorization",
      "secret",
      "webhookSecret",
      "password",
    ]) {
      log.info({ [field]: secret }, "a field");
      log.info({ request: { [field]: secret } }, "a field of an object");
      log.info({ request: { headers: { [field]: secret } } }, "a field of an object's object");
      log.child({ [field]: secret }).info("a field of a child");
      log.error({ err: Object.assign(new Error("failed"), { [field]: secret, request: { [field]: secret } }) }, "an error");
    }
    expect(written.length).toBe(40);
    expect(written.join("")).not.toContain(secret);
    expect(written.join("")).toContain("[redacted]");
  });

  it("leaves the logged object as it was", () => {
    const { log } = capture();
    const request = { token: "hunter2" };
    log.info({ request }, "sent");
    expect(request.token).toBe("hunter2");
  });

  it("writes nothing below its level", () => {
    const written: string[] = [];
    createLogger({ level: "warn", destination: { write: (text) => void written.push(text) } }).info("quiet");
    expect(written).toEqual([]);
  });
});
