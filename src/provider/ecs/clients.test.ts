import { readdirSync, readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { EcsClients, type EcsSender, type OpenEcsSender } from "./clients.ts";

const signal = new AbortController().signal;
const connection = { region: "us-east-1", cluster: "runners" };

class Command {
  readonly input: unknown;
  constructor(input: unknown) {
    this.input = input;
  }
}

function sender(send: (command: Command) => Promise<unknown>) {
  const destroy = vi.fn<() => void>();
  const open = vi.fn<OpenEcsSender>(
    async () => ({ sdk: { ListTasksCommand: Command }, client: { send, destroy } }) as unknown as EcsSender,
  );
  return { open, destroy };
}

test("clusters of one account and Region share one client, also when asked at once", async () => {
  const { open } = sender(async ({ input }) => input);
  const clients = new EcsClients(open);
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
  const api = new EcsClients(open).for(connection);
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
  const api = new EcsClients(open).for(connection);
  await expect(api.listTasks({}, controller.signal)).rejects.toBe(reason);
  await expect(api.listTasks({}, controller.signal)).rejects.toBe(reason);
  expect(open).toHaveBeenCalledOnce();
});

test("closing destroys every client, and a later call makes a new one", async () => {
  const { open, destroy } = sender(async () => "ok");
  const clients = new EcsClients(open);
  await clients.for(connection).listTasks({}, signal);
  await clients.for({ ...connection, region: "eu-west-1" }).listTasks({}, signal);
  await clients.close();
  expect(destroy).toHaveBeenCalledTimes(2);
  await clients.for(connection).listTasks({}, signal);
  expect(open).toHaveBeenCalledTimes(3);
});

test("the SDK is loaded by the first call only: no file imports more than its types", () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const eager = files.filter((name) =>
    /^import (?!type)[^;]*from "@aws-sdk/m.test(readFileSync(new URL(name, import.meta.url), "utf8")),
  );
  expect(files).toContain("clients.ts");
  expect(eager).toEqual([]);
});
