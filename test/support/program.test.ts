import { describe, expect, it, vi } from "vitest";
import { orInterrupted, type Program, runProgram } from "./program.ts";

interface Options {
  readonly help: boolean;
}

/** What it printed comes with the exit code. */
async function played(part: Partial<Program<Options>>, args: readonly string[] = []) {
  const said: string[] = [];
  const printed: string[] = [];
  const streams = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, "write").mockImplementation((text) => printed.push(String(text)) > 0),
  );
  const parse = (given: readonly string[]): Options => {
    if (given.includes("--wrong")) throw new Error("--wrong is no option");
    return { help: given.includes("--help") };
  };
  try {
    const run = (): Promise<boolean> => Promise.resolve(true);
    const program = { name: "npm run play", usage: "how to\n", parse, run, say: (line: string) => void said.push(line), ...part };
    return { code: await runProgram(program, args), said, printed: printed.join("") };
  } finally {
    for (const spy of streams) spy.mockRestore();
  }
}

describe("runProgram", () => {
  it("says by its exit code how it went", async () => {
    expect((await played({})).code).toBe(0);
    expect((await played({ run: () => Promise.resolve(false) })).code).toBe(1);
    expect((await played({ run: () => Promise.resolve(69) })).code).toBe(69);
  });

  it("tells what is wrong with the options, and what there is", async () => {
    expect(await played({}, ["--wrong"])).toMatchObject({ code: 2, printed: "npm run play: --wrong is no option\n\nhow to\n" });
    expect(await played({}, ["--help"])).toMatchObject({ code: 0, printed: "how to\n" });
  });

  it("tells why it failed, down to the cause", async () => {
    const run = (): Promise<boolean> => Promise.reject(new Error("no stage", { cause: new Error("no port") }));
    const { code, said } = await played({ run });
    expect(code).toBe(1);
    expect(said.join()).toMatch(/npm run play: Error: no stage[^]*because: Error: no port/);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("ends on %s once all is removed, and listens no more", async (signal) => {
    const before = process.listenerCount(signal);
    let removed = false;
    const { code, said } = await played({
      run: async (_options, interrupted) => {
        process.emit(signal);
        // npm hands it on: one that comes twice in a moment is one.
        process.emit(signal);
        try {
          return await orInterrupted(new Promise<boolean>(() => {}), interrupted);
        } finally {
          removed = true;
        }
      },
    });
    expect({ code, removed }).toEqual({ code: 130, removed: true });
    expect(said).toEqual([expect.stringContaining("stopping")]);
    expect(process.listenerCount(signal)).toBe(before);
  });
});
