import type { EcsSender, OpenEcsSender } from "./clients.ts";

/** ReadOnlyNotes are what a client that changes nothing has met. */
export interface ReadOnlyNotes {
  /** Families of task definitions that would have been registered. */
  readonly wouldRegister: Set<string>;
  /** Whether no AWS credentials were found at all: then nothing was asked. */
  credentialsMissing: boolean;
}

/**
 * readOnlySender makes clients that send what reads and nothing else: a class can be checked with them by anybody, and ECS is as before.
 * A task definition that would be registered is answered as if it had been; whatever else writes gets an empty answer.
 */
export function readOnlySender(open: OpenEcsSender, notes: ReadOnlyNotes): OpenEcsSender {
  return async (connection) => {
    const sender = await open(connection);
    const send = async (command: object, ...rest: unknown[]): Promise<unknown> => {
      const name = operationOf(sender.sdk, command);
      if (/^(Describe|List|Get)/.test(name)) {
        try {
          return await (sender.client.send as (command: object, ...rest: unknown[]) => Promise<unknown>).call(
            sender.client,
            command,
            ...rest,
          );
        } catch (error) {
          if (error instanceof Error && error.name === "CredentialsProviderError") notes.credentialsMissing = true;
          throw error;
        }
      }
      const { family } = (command as { readonly input?: { readonly family?: string } }).input ?? {};
      if (name !== "RegisterTaskDefinition" || family === undefined) return {};
      notes.wouldRegister.add(family);
      return { taskDefinition: { family, taskDefinitionArn: `not-registered/${family}`, networkMode: "awsvpc" } };
    };
    const client = new Proxy(sender.client, {
      get: (target, property) => {
        if (property === "send") return send;
        const member: unknown = Reflect.get(target, property, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    return { ...sender, client } satisfies EcsSender;
  };
}

/** The command's name in the SDK. That of its class will not do: a bundler may give it another. */
function operationOf(sdk: EcsSender["sdk"], command: object): string {
  const found = Object.entries(sdk).find(([, member]) => member === command.constructor)?.[0];
  if (found === undefined) throw new TypeError("not a command of the ECS client");
  return found.replace(/Command$/, "");
}
