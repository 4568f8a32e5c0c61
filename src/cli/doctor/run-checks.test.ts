import { expect, test } from "vitest";
import { GitHubError } from "../../github/errors.ts";
import { ProviderError } from "../../provider/errors.ts";
import { fail, type Finding, ok } from "./check.ts";
import { type Planned, type RunOptions, runChecks } from "./run-checks.ts";

const check = (name: string, run: Planned["run"], needs: string[] = []): Planned => ({ object: "thing/a", name, needs, run });

async function results(
  planned: readonly Planned[],
  more: Partial<RunOptions> = {},
): Promise<{ findings: Finding[]; order: string[] }> {
  const order: string[] = [];
  const findings = await runChecks(planned, {
    atOnce: 2,
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    onFinding: ({ check: name }) => void order.push(name),
    onProgress: () => undefined,
    ...more,
  });
  return { findings, order };
}

test("findings come in the order of the plan, whatever ends first", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = check("slow", async () => {
    await gate.promise;
    return [ok("done")];
  });
  const quick = check("quick", () => {
    gate.resolve();
    return [ok("done")];
  });
  expect((await results([slow, quick])).order).toEqual(["slow", "quick"]);
});

test("no more run at a time than are allowed, and all of them run", async () => {
  let [running, most] = [0, 0];
  const one = (name: string): Planned =>
    check(name, async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return [ok(name)];
    });
  const { findings } = await results(
    Array.from({ length: 9 }, (_, index) => one(`check ${index}`)),
    { atOnce: 3 },
  );
  expect(findings).toHaveLength(9);
  expect(most).toBe(3);
});

test("what needs a check that failed is skipped, and so is what needs that", async () => {
  const never = (): never => {
    throw new Error("must not run");
  };
  const planned = [check("a", () => [fail("broken", "mend it")]), check("b", never, ["a"]), check("c", never, ["b"])];
  const { findings } = await results(planned, { atOnce: 1 });
  expect(findings.map(({ check: name, verdict, message }) => [name, verdict, message])).toEqual([
    ["a", "FAIL", "broken"],
    ["b", "SKIP", "not looked at, because of a"],
    ["c", "SKIP", "not looked at, because of b"],
  ]);
});

test("a check that hangs, and heeds no signal, is a FAIL in its time", async () => {
  const hangs = check("hangs", () => new Promise<never>(() => undefined));
  const { findings } = await results([hangs, check("other", () => [ok("fine")])], { timeoutMs: 20 });
  expect(findings[0]).toMatchObject({ verdict: "FAIL", message: "no answer within 0.02 s" });
  expect(findings[1]).toMatchObject({ verdict: "OK" });
});

test("after an interruption nothing is held against anybody", async () => {
  const stop = new AbortController();
  const hangs = check("hangs", () => new Promise<never>(() => undefined));
  const running = results([hangs], { signal: stop.signal });
  stop.abort();
  expect((await running).findings[0]).toMatchObject({ verdict: "SKIP" });
});

test("what is thrown is told in our words, and nothing of an unknown error is", async () => {
  const throwing = (name: string, error: Error): Planned =>
    check(name, () => {
      throw error;
    });
  const { findings } = await results([
    throwing("github", new GitHubError("Unavailable", "GitHub did not answer")),
    throwing("provider", new ProviderError("Throttled", "AWS asks for a pause")),
    throwing("unknown", new TypeError("the key is hunter2")),
  ]);
  expect(findings.map(({ verdict, message }) => [verdict, message])).toEqual([
    ["FAIL", "GitHub did not answer"],
    ["FAIL", "AWS asks for a pause"],
    ["FAIL", "the check itself broke (TypeError)"],
  ]);
});
