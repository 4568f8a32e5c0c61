import { expect, test } from "vitest";
import type { EcsSender } from "./clients.ts";
import { type ReadOnlyNotes, readOnlySender } from "./read-only.ts";

class DescribeClustersCommand {}
class RunTaskCommand {}
class RegisterTaskDefinitionCommand {
  readonly input = { family: "getabako-1" };
}

function sender(send: (command: object) => Promise<unknown>) {
  const notes: ReadOnlyNotes = { wouldRegister: new Set(), credentialsMissing: false };
  const inner = { sdk: {}, client: { send, destroy: () => "destroyed" } } as unknown as EcsSender;
  const open = readOnlySender(() => Promise.resolve(inner), notes);
  return {
    notes,
    client: async () =>
      (await open({ region: "us-east-1", cluster: "c" })).client as unknown as {
        send(command: object): Promise<unknown>;
        destroy(): string;
      },
  };
}

test("what reads is sent, and nothing else", async () => {
  const sent: string[] = [];
  const { notes, client } = sender((command) => Promise.resolve(sent.push(command.constructor.name)));
  const made = await client();
  await made.send(new DescribeClustersCommand());
  expect(await made.send(new RunTaskCommand())).toEqual({});
  expect(await made.send(new RegisterTaskDefinitionCommand())).toMatchObject({ taskDefinition: { family: "getabako-1" } });
  expect(sent).toEqual(["DescribeClustersCommand"]);
  expect([...notes.wouldRegister]).toEqual(["getabako-1"]);
  expect(made.destroy()).toBe("destroyed");
});

test("missing credentials are noted, since they are no fault of the class", async () => {
  const { notes, client } = sender(() => Promise.reject(Object.assign(new Error("none"), { name: "CredentialsProviderError" })));
  await expect((await client()).send(new DescribeClustersCommand())).rejects.toThrow("none");
  expect(notes.credentialsMissing).toBe(true);
});
