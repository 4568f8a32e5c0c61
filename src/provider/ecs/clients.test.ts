import { readdirSync, readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../util/clock.ts";
import type { AwsCallRecorder } from "../aws-metrics.ts";
import { CallBudgets, isTurnedAway } from "./call-budget.ts";
import { EcsClients, type EcsSender, type OpenEcsSender } from "./clients.ts";

const signal = new AbortController().signal;
const connection = { region: "us-east-1", cluster: "runners" };

class Command {
  readonly input: unknown;
  constructor(input: unknown) {
    this.input = input;
  }
}

function clientsOf(open: OpenEcsSender, metrics?: AwsCallRecorder): EcsClients {
  return new EcsClients({ budgets: new CallBudgets({ clock: systemClock, metrics }), metrics, open });
}

function sender(send: (command: Command) => Promise<unknown>, tries?: number) {
  const destroy = vi.fn<() => void>();
  const open = vi.fn<OpenEcsSender>(
    async () =>
      ({
        sdk: { ListTasksCommand: Command },
        client: { send, destroy },
        ...(tries !== undefined && { tries }),
      }) as unknown as EcsSender,
  );
  return { open, destroy };
}

test("clusters of one account and Region share one client, also when asked at once", async () => {
  const { open } = sender(async ({ input }) => input);
  const clients = clientsOf(open);
  const inputs = await Promise.all(
    ["a", "b", "c"].map((cluster) => clients.for({ ...connection, cluster }).listTasks({ cluster }, signal)),
  );
  expect(inputs).toEqual([{ cluster: "a" }, { cluster: "b" }, { cluster: "c" }]);
  expect(open).toHaveBeenCalledOnce();
  await clients.for({ ...connection, region: "eu-west-1" }).listTasks({}, signal);
  expect(open).toHaveBeenCalledTimes(2);
});

test("a client that could not be made is tried again, and the failure is a ProviderError", async () => {
  const { open } = sender(async () => "ok");
  open.mockRejectedValueOnce(Object.assign(new Error("none"), { name: "CredentialsProviderError" }));
  const api = clientsOf(open).for(connection);
  await expect(api.listTasks({}, signal)).rejects.toMatchObject({ name: "ProviderError", code: "Unauthorized" });
  await expect(api.listTasks({}, signal)).resolves.toBe("ok");
});

test("an aborted signal is thrown as its reason, whatever the SDK makes of it", async () => {
  const controller = new AbortController();
  const reason = new Error("shutting down");
  const { open } = sender(async () => {
    controller.abort(reason);
    throw Object.assign(new Error("Request aborted"), { name: "AbortError" });
  });
  const api = clientsOf(open).for(connection);
  await expect(api.listTasks({}, controller.signal)).rejects.toBe(reason);
  await expect(api.listTasks({}, controller.signal)).rejects.toBe(reason);
  expect(open).toHaveBeenCalledOnce();
});

test("closing destroys every client, and a later call makes a new one", async () => {
  const { open, destroy } = sender(async () => "ok");
  const clients = clientsOf(open);
  await clients.for(connection).listTasks({}, signal);
  await clients.for({ ...connection, region: "eu-west-1" }).listTasks({}, signal);
  await clients.close();
  expect(destroy).toHaveBeenCalledTimes(2);
  await clients.for(connection).listTasks({}, signal);
  expect(open).toHaveBeenCalledTimes(3);
});

function recorder() {
  const seen: string[] = [];
  const metrics: AwsCallRecorder = {
    zero: () => {},
    called: (operation, code) => seen.push(`${operation} ${code}`),
    throttled: (operation) => seen.push(`${operation} throttled`),
    turnedAway: () => {},
    waited: () => {},
    followRates: () => {},
  };
  return { seen, metrics };
}

/** What the next calls throw, in turn; "ok" once there is nothing left. */
function failing(...errors: readonly object[]): () => Promise<unknown> {
  const left = [...errors];
  return async () => {
    const error = left.shift();
    if (error !== undefined) throw Object.assign(new Error("made to fail"), error);
    return "ok";
  };
}

test.each<[string, object]>([
  ["a cut connection", { name: "TimeoutError", code: "ECONNRESET" }],
  ["a server error", { name: "ServerException", $metadata: { httpStatusCode: 500 } }],
  ["a wrong clock that the SDK has put right", { name: "InvalidSignatureException", $metadata: { clockSkewCorrected: true } }],
])("%s is repeated once, and each try is a call", async (_, error) => {
  const { seen, metrics } = recorder();
  const once = clientsOf(sender(failing(error), 2).open, metrics);
  await expect(once.for(connection).listTasks({}, signal)).resolves.toBe("ok");
  expect(seen).toEqual([expect.stringMatching(/^ListTasks Un/), "ListTasks OK"]);
  const twice = clientsOf(sender(failing(error, error), 2).open);
  await expect(twice.for(connection).listTasks({}, signal)).rejects.toMatchObject({ name: "ProviderError" });
});

test("what AWS throttles is not repeated: the budget hears of it, and says when to come back", async () => {
  const { seen, metrics } = recorder();
  const throttled = { name: "ThrottlingException", $metadata: { httpStatusCode: 400 } };
  const api = clientsOf(sender(failing(throttled), 2).open, metrics).for(connection);
  await expect(api.listTasks({}, signal)).rejects.toMatchObject({ code: "Throttled", retryAfterMs: 100 });
  await expect(api.listTasks({}, signal)).resolves.toBe("ok");
  expect(seen).toEqual(["ListTasks Throttled", "ListTasks throttled", "ListTasks OK"]);
});

test("a lost answer whose repetition has to wait is lost, and not a call that was never made", async () => {
  const cut = { name: "TimeoutError", code: "ECONNRESET" };
  // A burst of one token: the next is seconds away.
  const budgets = new CallBudgets({ clock: systemClock, pace: 0.02 });
  const api = new EcsClients({ budgets, open: sender(failing(cut), 2).open }).for(connection);
  const error: unknown = await api.listTasks({}, signal).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "Unavailable" });
  expect(isTurnedAway(error)).toBe(false);
});

test("a quota that is used up is no throttle: slower calls would not mend it", async () => {
  const { seen, metrics } = recorder();
  const quota = { name: "LimitExceededException", $metadata: { httpStatusCode: 400 } };
  const api = clientsOf(sender(failing(quota), 2).open, metrics).for(connection);
  await expect(api.listTasks({}, signal)).rejects.toMatchObject({ code: "Throttled", retryAfterMs: 60_000 });
  expect(seen).toEqual(["ListTasks Throttled"]);
});

test("the SDK is loaded by the first call only: no file imports more than its types", () => {
  const names = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const eager = files.filter((name) =>
    /^import (?!type)[^;]*from "@aws-sdk/m.test(readFileSync(new URL(name, import.meta.url), "utf8")),
  );
  expect(files).toEqual(expect.arrayContaining(["clients.ts", "events/sqs-clients.ts"]));
  expect(eager).toEqual([]);
});
