import { expect, test, vi } from "vitest";
import { isProviderError, providerErrorCodes } from "../../../src/provider/errors.ts";
import { type OpenBench } from "./bench.ts";

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
      let tries = 0;
      let created: string | undefined;
      for (let attempt = 0; created === undefined; attempt++) {
        if (attempt === patience) throw new Error(`${name}: not launched after ${patience} tries`);
        try {
          created = (await bench.create({ ...launch, tries })).instance.id;
        } catch (error) {
          if (!isProviderError(error)) throw error;
          expect(providerErrorCodes, name).toContain(error.code);
          expect(error.message.length, name).toBeLessThanOrEqual(300);
          // As the controller counts: only a definite refusal by all rungs makes the next call another one.
          if (error.code === "InsufficientCapacity") tries += 1;
        }
      }
      expect(await bench.countLive(launch), name).toBe(1);
      // Not seen yet is no answer, but it must not be called gone.
      const id = created;
      await vi.waitFor(async () => {
        const instance = (await bench.get([id])).get(id);
        expect(instance, name).not.toBe("gone");
        expect(instance, name).toMatchObject({ requestUid: launch.requestUid });
      });
      await end?.();
    }
  });
}
