import { inspect } from "node:util";
import { expect, test } from "vitest";
import type { Outcome } from "../sim/ecs/faults.ts";
import { ecsBench } from "./ecs-bench.ts";
import { collect, unaborted } from "./launches.ts";

const signal = unaborted();
const secretKey = "simulator";

/** Everything a program could print about a value: non-enumerable members, causes, the stack. */
function everything(value: unknown): string {
  return inspect(value, { depth: 30, showHidden: true, maxStringLength: null, maxArrayLength: null });
}

test("neither the JIT configuration nor a credential is in any error, log line, instance or the provider itself", async () => {
  const { sim, provider, launch, place, cls, log } = await ecsBench({ violates: true, patienceMs: 1_000 });
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
