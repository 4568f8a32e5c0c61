import { ECSClient } from "@aws-sdk/client-ecs";
import { afterAll, beforeAll, vi } from "vitest";
import { createEcsProvider } from "../../src/provider/ecs/provider.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { systemClock } from "../../src/util/clock.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { isLive } from "../sim/ecs/state/task.ts";
import { describeProviderContract } from "./contract.ts";
import { readBackTask, revisionsOf } from "./contract/read-back.ts";
import { shapeChoices } from "./contract/shape-class.ts";
import { WireTap } from "./contract/wire-tap.ts";
import { ecsClass } from "./ecs-class.ts";

beforeAll(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIASIMULATOR");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "simulator");
});
afterAll(() => {
  vi.unstubAllEnvs();
});

const providers: Readonly<Record<string, string>> = { spot: "FARGATE_SPOT", "on-demand": "FARGATE" };

for (const tokensSurviveFailures of [false, true]) {
  describeProviderContract(`ecs on the simulator, tokensSurviveFailures ${tokensSurviveFailures}`, async () => {
    const sim: EcsSim = await startEcsSim({ tokensSurviveFailures });
    const tap = new WireTap();
    const provider = createEcsProvider({ clock: systemClock, log: silentLogger(), pace: 1_000, openSender: tap.open });
    const client = new ECSClient(sim.clientConfig);
    const capacityOf = (rung: string): string => providers[rung] ?? rung;
    return {
      provider,
      cls: ecsClass({ region: sim.region, endpoint: sim.url, ...shapeChoices() }),
      rungs: ["spot", "on-demand"],
      control: {
        exit: (id, exitCode) => sim.exit(id, { exitCode }),
        interrupt: (id) => sim.interruptSpot(id),
        forget: (id) => sim.expire(id),
        refuse: (rung) => sim.capacity.refuse(capacityOf(rung)),
        accept: (rung) => sim.capacity.release(capacityOf(rung)),
        // A lost call is made once more by itself.
        loseAnswer: (rung) => void sim.faults.add({ kind: "cut", accepted: true }, { capacity: capacityOf(rung), times: 2 }),
        countLive: (requestUid) => sim.tasks().filter((task) => task.startedBy === requestUid && isLive(task)).length,
        readBack: (id) => readBackTask(client, "runners", id),
        revisions: (definitionArn) => revisionsOf(client, definitionArn),
        securityGroupsOf: (id) => tap.securityGroups.get(id),
        countCalls: () => tap.calls,
      },
      close: async () => {
        client.destroy();
        await provider.close();
        await sim.close();
        if (sim.violations.length > 0) throw new Error(`ECS would not have accepted: ${JSON.stringify(sim.violations)}`);
      },
    };
  });
}
