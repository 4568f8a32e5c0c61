import type { Excuses } from "../contract.ts";

/** Emulator is what is known about a stand-in for ECS. */
export interface Emulator {
  readonly name: string;
  /** A path that only this one answers with 200. */
  readonly path: string | undefined;
  /** Differences from ECS that are the emulator's, with the reason; the cases they concern are skipped. */
  readonly excuses: Excuses;
}

const leavesOutMissing = "DescribeTasks leaves unknown tasks out instead of listing them under failures as MISSING";
const oneImage =
  "RunTask is HTTP 500 for containers without a memory of their own, so the class brings a definition, and its one image";
const ignoresTokens = "ignores clientToken: a repeated RunTask starts a second task";

/** emulators, in the order in which an endpoint is asked what it is. The last one stands for AWS and for whatever is not known. */
export const emulators = [
  { name: "simulator", path: "/_sim", excuses: {} },
  {
    name: "moto",
    path: "/moto-api/",
    excuses: {
      "a repeated launch gives the same instance, and the backend has one": ignoresTokens,
      "a launch repeated five times at once gives one instance": ignoresTokens,
      "a launch repeated with another JIT configuration adopts the first one's instance": ignoresTokens,
      "get() reads many instances at once and calls unknown ones gone": leavesOutMissing,
      "get() reads 250 ids in one call of the caller": leavesOutMissing,
      "an instance reaches Running, and neither its state nor its version ever goes back":
        "a task begins as RUNNING, and each look at it moves it on to the next state",
      "delete() may be repeated, also after the end, and for instances that never were":
        "StopTask of an unknown task is HTTP 500 with an HTML page instead of InvalidParameterException",
      "a launch with overrides is read back from ECS as chosen: an image": oneImage,
      "two images are two task definitions, each registered once also by 20 launches at once": oneImage,
    },
  },
  {
    name: "ministack",
    path: "/_ministack/health",
    excuses: {
      "a repeated launch gives the same instance, and the backend has one": ignoresTokens,
      "a launch repeated five times at once gives one instance": ignoresTokens,
      "a launch repeated with another JIT configuration adopts the first one's instance": ignoresTokens,
    },
  },
  { name: "ECS", path: undefined, excuses: {} },
] as const satisfies readonly Emulator[];

export type EmulatorName = (typeof emulators)[number]["name"];

/** detectEmulator asks an endpoint what it is. */
export async function detectEmulator(endpoint: string): Promise<Emulator & { readonly name: EmulatorName }> {
  for (const emulator of emulators) {
    if (emulator.path === undefined) return emulator;
    const answer = await fetch(new URL(emulator.path, endpoint), { signal: AbortSignal.timeout(5_000) }).catch(
      (error: unknown) => {
        throw new Error(`nothing answers at ${endpoint}: start the emulator first, or correct --endpoint`, { cause: error });
      },
    );
    await answer.body?.cancel();
    if (answer.ok) return emulator;
  }
  throw new Error("the list of emulators ends with one that needs no path");
}
