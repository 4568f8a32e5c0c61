import type { RunTaskCommandInput, RunTaskCommandOutput } from "@aws-sdk/client-ecs";
import { type OpenEcsSender, openEcsSender } from "../../../src/provider/ecs/clients.ts";

/**
 * WireTap sees what the provider's SDK client sends. It is there for what ECS never tells again: DescribeTasks names a task's network
 * interface but not its security groups, and nothing counts calls.
 */
export class WireTap {
  /** Security groups by task, as ECS was asked for them when it accepted. */
  readonly securityGroups = new Map<string, readonly string[]>();
  calls = 0;
  readonly #patienceMs: number | undefined;

  /** `patienceMs` is how long an answer is waited for, where that is not as long as the provider waits. */
  constructor(patienceMs?: number) {
    this.#patienceMs = patienceMs;
  }

  readonly open: OpenEcsSender = async (connection) => {
    const patience = this.#patienceMs;
    const sender = await (patience === undefined
      ? openEcsSender(connection)
      : openEcsSender(connection, { timeouts: { connectionTimeout: patience, requestTimeout: patience } }));
    sender.client.middlewareStack.add(
      (next) => async (args) => {
        this.calls += 1;
        const result = await next(args);
        const groups = (args.input as Partial<RunTaskCommandInput>).networkConfiguration?.awsvpcConfiguration?.securityGroups;
        const { tasks } = result.output as Partial<RunTaskCommandOutput>;
        for (const { taskArn } of tasks ?? []) {
          if (groups !== undefined && taskArn !== undefined) this.securityGroups.set(taskArn, groups);
        }
        return result;
      },
      { step: "initialize", name: "contract" },
    );
    return sender;
  };
}
