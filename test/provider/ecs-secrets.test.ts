import { inspect } from "node:util";
import { expect, test } from "vitest";
import type { Outcome } from "../sim/ecs/faults.ts";
import { deliveryBench } from "./delivery-bench.ts";
import { ecsBench } from "./ecs-bench.ts";
import { collect, jitConfig, unaborted } from "./launches.ts";

const signal = unaborted();
const secretKey = "simulator";

/** Everything a program could print about a value: non-enumerable members, causes, the stack. */
function everything(value: unknown): string {
  return inspect(value, { depth: 30, showHidden: true, maxStringLength: null, maxArrayLength: null });
}

test("neither the JIT configuration nor a credential is in any error, log line, instance or the provider itself", async () => {
  const { sim, provider, launch, place, cls, log, clock } = await ecsBench({ violates: true, patienceMs: 1_000 });
  const of = launch();
  const echo = `the request had ${of.jitConfig} in overrides`;
  const outcomes: readonly Outcome[] = [
    { kind: "cut" },
    { kind: "html", status: 502 },
    { kind: "hang" },
    ...[
      "AccessDeniedException",
      "BrandNewException",
      "ClientException",
      "ConflictException",
      "InvalidParameterException",
      "InvalidSignatureException",
      "ServerException",
      "ThrottlingException",
    ].map((type) => ({ kind: "exception", type, message: echo }) as const),
    { kind: "failures", failures: [{ reason: echo, detail: echo, arn: echo }] },
    { kind: "failures", failures: [] },
  ];
  const shown: unknown[] = [provider];
  for (const outcome of outcomes) {
    sim.faults.add(outcome, { times: 2 });
    shown.push(await provider.create(of, signal).catch((error: unknown) => error));
    sim.faults.clear();
    // A throttled call leaves the budget empty for a moment.
    clock.advance(1_000);
  }
  const tooLong = { ...of, jitConfig: of.jitConfig.repeat(3) };
  shown.push(await provider.create({ ...tooLong, attempt: 9 }, signal).catch((error: unknown) => error));
  const { instance } = await provider.create({ ...of, attempt: 2, runnerName: `${of.requestName}-2` }, signal);
  sim.failToStart(instance.id, `CannotStartContainerError: ${echo}`);
  sim.moveTo(instance.id, "STOPPED");
  shown.push(instance, await provider.get(place, [instance.id], signal), await collect(provider.list(cls, {}, signal)));

  const printed = [log.text, ...shown.map(everything)];
  const pieces = [of.jitConfig.slice(0, 40), of.jitConfig.slice(-40), secretKey];
  // Not as `not.toContain`: its own failure would print the secret.
  expect(pieces.flatMap((piece) => printed.filter((text) => text.includes(piece)).map((text) => text.slice(0, 200)))).toEqual([]);
  expect(shown.filter((value) => value instanceof Error)).toHaveLength(outcomes.length + 1);
});

test("delivered by S3, the JIT configuration is in no call to ECS, none of its answers, no event, no log line, error or instance", async () => {
  const calls: unknown[] = [];
  const events: unknown[] = [];
  const { sim, s3, provider, restarted, launch, place, cls, log, failure } = await deliveryBench({
    violates: true,
    keepSecrets: true,
    patienceMs: 1_000,
    onCall: (call) => calls.push(call),
    events: { sink: (event) => void events.push(event) },
  });
  const of = launch();
  const other = jitConfig();
  const shown: unknown[] = [provider, calls, events];
  for (const code of ["AccessDenied", "BrandNew", "InternalError", "SlowDown"]) {
    s3.faults.add({ kind: "error", code, status: 400, message: `the body was ${of.jitConfig}` });
    shown.push(await failure(of));
  }
  s3.faults.add({ kind: "html", status: 502 });
  shown.push(await failure(of), await failure({ ...of, attempt: 7, jitConfig: `${of.jitConfig}\nA=1` }));
  sim.faults.add({ kind: "cut", accepted: true });
  shown.push(await failure(of));
  shown.push(await provider.create(of, signal), await restarted().create({ ...of, jitConfig: other }, signal));
  const id = sim.tasks()[0]?.arn ?? "";
  sim.moveTo(id, "RUNNING");
  const denied = s3.faults.deny({ operation: "DeleteObject" });
  shown.push(await provider.get(place, [id], signal), await collect(provider.list(cls, {}, signal)));
  await expect.poll(() => log.lines().some(({ msg }) => msg.startsWith("could not remove"))).toBe(true);
  expect(denied.hits).toBeGreaterThan(0);
  await provider.delete(place, id, "done", signal);
  sim.moveTo(id, "STOPPED");
  shown.push(await provider.get(place, [id], signal), await provider.check(cls, signal), sim.calls.list());

  const printed = [log.text, ...shown.map(everything)];
  const pieces = [of.jitConfig, other].flatMap((secret) => [secret.slice(0, 40), secret.slice(-40)]);
  expect(pieces.flatMap((piece) => printed.filter((text) => text.includes(piece)).map((text) => text.slice(0, 200)))).toEqual([]);
  // The scan reads what it should: the calls hold the name of the object, the bucket its content.
  expect(everything(calls)).toContain(`getabako/${of.requestUid}-1-`);
  expect(events.length).toBeGreaterThan(2);
  expect(
    s3
      .bucket()
      .list()
      .some(({ body }) => body.includes(of.jitConfig.slice(0, 40))),
  ).toBe(true);
});
