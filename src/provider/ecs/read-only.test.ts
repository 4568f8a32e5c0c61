import * as sdk from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import type { EcsSender } from "./clients.ts";
import { type ReadOnlyNotes, readOnlySender } from "./read-only.ts";

function sender(send: (command: object) => Promise<unknown>) {
  const notes: ReadOnlyNotes = { wouldRegister: new Set(), credentialsMissing: false };
  const inner = { sdk, client: { send, destroy: () => "destroyed" } } as unknown as EcsSender;
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
  const sent: object[] = [];
  const { notes, client } = sender((command) => Promise.resolve(sent.push(command)));
  const made = await client();
  const describe = new sdk.DescribeClustersCommand({ clusters: ["runners"] });
  await made.send(describe);
  expect(await made.send(new sdk.RunTaskCommand({ taskDefinition: "getabako-1" }))).toEqual({});
  const register = new sdk.RegisterTaskDefinitionCommand({ family: "getabako-1", containerDefinitions: [] });
  expect(await made.send(register)).toMatchObject({ taskDefinition: { family: "getabako-1" } });
  expect(sent).toEqual([describe]);
  expect([...notes.wouldRegister]).toEqual(["getabako-1"]);
  expect(made.destroy()).toBe("destroyed");
});

test("missing credentials are noted, since they are no fault of the class", async () => {
  const { notes, client } = sender(() => Promise.reject(Object.assign(new Error("none"), { name: "CredentialsProviderError" })));
  await expect((await client()).send(new sdk.DescribeClustersCommand({}))).rejects.toThrow("none");
  expect(notes.credentialsMissing).toBe(true);
});
