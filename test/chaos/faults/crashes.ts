import type { ScriptFault } from "../script.ts";
import { killLauncher } from "../kill-launcher.ts";
import type { Stage } from "../stage.ts";
import type { Apply } from "./apply.ts";

const restart =
  (signal: "SIGKILL" | "SIGTERM"): Apply =>
  async ({ fleet, undos }, { pick, forMs }) => {
    const operator = fleet.pick(pick);
    // One that is down cannot be ended once more; the other one is there for that.
    if (operator.isDown || operator.process === undefined) return undefined;
    await operator.end(signal);
    undos.after(forMs, `operator ${operator.name} is started again`, () => operator.start());
    return `operator ${operator.name}, for ${forMs} ms`;
  };

/** crashFaults happen to the operators' processes. */
export const crashFaults = {
  "operator-kill": restart("SIGKILL"),
  "operator-stop": restart("SIGTERM"),
  "operator-kill-launching": killLaunching,
  "operator-freeze": ({ fleet, leases, undos }, { pick, forMs }) => {
    const operator = fleet.pick(pick);
    const { process } = operator;
    if (process === undefined) return undefined;
    const isOver = leases.begin(operator.name);
    process.pause();
    undos.after(forMs, `operator ${operator.name} goes on`, () => {
      process.resume();
      isOver();
    });
    return `operator ${operator.name}, for ${forMs} ms`;
  },
} as const satisfies Partial<Record<string, Apply>>;

function killLaunching(stage: Stage, { forMs, times }: ScriptFault): string {
  let left = times;
  const stopLooking = killLauncher(stage, () => --left <= 0, forMs);
  stage.undos.after(60 * 60_000, "operator-kill-launching", stopLooking);
  return `whoever makes the launch after the next ${times - 1}, for ${forMs} ms`;
}
