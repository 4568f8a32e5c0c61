import type { FaultKind } from "../fault-kinds.ts";
import type { ScriptFault } from "../script.ts";
import type { Stage } from "../stage.ts";
import { crashFaults } from "./crashes.ts";
import { ecsFaults } from "./ecs.ts";
import { githubFaults } from "./github.ts";
import { kubeFaults } from "./kube.ts";
import { personFaults } from "./person.ts";
import { webhookFaults } from "./webhooks.ts";

/** Apply does one fault. It returns what was hit, in words, or undefined if there was nothing to hit at that moment. */
export type Apply = (stage: Stage, fault: ScriptFault) => Promise<string | undefined> | string | undefined;

const appliers: Readonly<Record<FaultKind, Apply>> = {
  ...webhookFaults,
  ...crashFaults,
  ...githubFaults,
  ...ecsFaults,
  ...kubeFaults,
  ...personFaults,
};

/** applyFault does one fault of a script. */
export async function applyFault(stage: Stage, fault: ScriptFault): Promise<string | undefined> {
  return await appliers[fault.kind](stage, fault);
}
