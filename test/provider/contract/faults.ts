import { expect, test, vi } from "vitest";
import { isProviderError, providerErrorCodes } from "../../../src/provider/errors.ts";
import { type Bench, type OpenBench } from "./bench.ts";

/** More repetitions than any of the faults lasts. */
const patience = 6;

/** describeFaults is that whatever goes wrong with a call, the launch repeated as the caller does it comes to one instance. */
export function describeFaults(open: OpenBench): void {
  test("under every fault of the backend a launch, repeated, comes to one instance", { timeout: 120_000 }, async (context) => {
    const bench = open(context, "faults", "countLive");
    const faults = Object.entries(bench.subject.control.faults ?? {});
    expect(faults.length).toBeGreaterThan(0);
    for (const [name, inject] of faults) {
      const launch = bench.launch();
      const end = await inject();
      const id = await repeated(bench, launch);
      expect({ name, live: await bench.countLive(launch) }).toEqual({ name, live: 1 });
      // Not seen yet is no answer, but it must not be called gone.
      const seen = await vi.waitUntil(async () => (await bench.get([id])).get(id));
      expect({ name, seen }).toMatchObject({ name, seen: { requestUid: launch.requestUid } });
      await end?.();
    }
  });
}

/** Launches as the controller does, until there is an instance, and gives its id. Only ProviderErrors in our words count as answers. */
async function repeated(bench: Bench, launch: ReturnType<Bench["launch"]>): Promise<string> {
  const answers: string[] = [];
  for (let tries = 0; answers.length < patience; ) {
    try {
      return (await bench.create({ ...launch, tries })).instance.id;
    } catch (error) {
      const ours = isProviderError(error) && providerErrorCodes.includes(error.code) && error.message.length <= 300;
      if (!ours) throw error;
      answers.push(`${error.code}: ${error.message}`);
      // Only a definite refusal by all rungs makes the next call another one.
      if (error.code === "InsufficientCapacity") tries += 1;
    }
  }
  throw new Error(`not launched after ${patience} tries: ${answers.join("; ")}`);
}
