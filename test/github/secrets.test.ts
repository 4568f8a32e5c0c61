import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { isGitHubError } from "../../src/github/errors.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { FakeClock } from "../support/clock.ts";
import { startBench } from "./setup.ts";
import { verbs } from "./verbs.ts";

const never = new AbortController().signal;
const organization = { organization: "acme" };

const faults = [
  { kind: "reset" },
  { kind: "lost-answer" },
  { kind: "hang" },
  { kind: "slow-body", ms: 60_000 },
  { kind: "retry-after", retryAfterSeconds: 30 },
  ...[302, 400, 401, 403, 404, 409, 410, 422, 500, 503].map((status) => ({ kind: "status", status }) as const),
] as const;

describe("secrets", () => {
  it.each(["short", "long"] as const)("are in no error, log line or metric, whatever goes wrong (%s tokens)", async (tokens) => {
    const clock = new FakeClock();
    const { sim, client, log, registry } = await startBench({
      clock,
      sim: { tokens },
      client: { timeouts: { callMs: 500, mintMs: 500 }, pacing: { maxWaitMs: 50 } },
    });
    sim.install("acme");
    const errors = createLogger({ level: "trace", destination: log.destination });
    let printed = "";
    let failures = 0;
    const planted = "planted-answer-text";
    for (const fault of faults) {
      const body = { message: planted, errors: [{ message: planted }], token: planted };
      // A rate limit makes the client silent for a while, so each fault meets a client of its own.
      const github = client();
      await github.listRunners(organization, never).catch(() => undefined);
      const planting = sim.faults.add({
        ...fault,
        times: Number.POSITIVE_INFINITY,
        ...(fault.kind === "status" ? { body } : {}),
      });
      const outcomes = await Promise.allSettled(verbs.map((call) => call(github)));
      for (const outcome of outcomes) {
        if (outcome.status === "fulfilled") continue;
        failures += 1;
        const error: unknown = outcome.reason;
        if (!isGitHubError(error)) throw error;
        errors.error({ err: error }, "failed");
        errors.error(error);
        errors.error({ anything: { nested: error } }, "failed");
        printed += `${inspect(error, { depth: 20, showHidden: true })}\n${JSON.stringify(error)}\n${error.stack}\n${String(error.cause)}\n`;
      }
      printed += inspect(github, { depth: 20, showHidden: true });
      planting.remove();
      await github.close();
    }
    expect(failures).toBeGreaterThan(faults.length * 5);
    const everything = `${printed}${log.text}${await registry.metrics()}`;
    const secrets = [...sim.secrets(), ...sim.secrets().map((secret) => JSON.stringify(secret).slice(1, -1)), planted];
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([]);
    expect(everything).not.toMatch(/ghs_|Bearer|eyJ|PRIVATE KEY/);
    // The scan would see a leak: what may be printed has been.
    expect(everything).toMatch(/request id|ECONNRESET|other side closed|UND_ERR_SOCKET/);
  });

  it("are handed to the caller of the registration and to nobody else", async () => {
    const { sim, github, log } = await startBench();
    sim.install("acme");
    const { jitConfig } = await github.mintJitConfig(
      organization,
      { name: "r-1", labels: ["linux"], runnerGroup: "Default" },
      never,
    );
    expect(log.text).toContain("mintJitConfig");
    expect(log.text).not.toContain(jitConfig.slice(0, 100));
    expect(inspect(github, { depth: 20, showHidden: true })).not.toContain(jitConfig.slice(0, 100));
  });
});
