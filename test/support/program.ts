/** Program is what a script of package.json does: read its options, and then run until it is done or interrupted. */
export interface Program<Options extends { readonly help: boolean }> {
  /** As a person calls it: "npm run burst". */
  readonly name: string;
  readonly usage: string;
  /** @throws with what is wrong with the command line */
  readonly parse: (args: readonly string[]) => Options;
  /** Whether all was well, or an exit code of its own; it rejects once the signal aborts. */
  readonly run: (options: Options, interrupted: AbortSignal) => Promise<boolean | number>;
  /** Where people are told what went wrong, and that it stops; standard error if absent. */
  readonly say?: (line: string) => void;
  /** Whether a failure is told with where in the code it happened, which helps developers alone (true). */
  readonly stacks?: boolean;
}

/** orInterrupted waits for work that does not listen to the signal itself, but no longer than until that aborts. */
export async function orInterrupted<T>(work: Promise<T>, interrupted: AbortSignal): Promise<T> {
  interrupted.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(interrupted.reason);
  interrupted.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    interrupted.removeEventListener("abort", onAbort);
    // What it still does fails when what it works on is taken away.
    work.catch(() => undefined);
  }
}

/** exitCodes of all programs; 130 is a shell's for Ctrl-C. */
const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const sameSignalMs = 1_000;

/** runProgram runs one to its end and returns the exit code. */
export async function runProgram<Options extends { readonly help: boolean }>(
  { name, usage, parse, run, say = (line) => void process.stderr.write(`${line}\n`), stacks = true }: Program<Options>,
  args: readonly string[] = process.argv.slice(2),
): Promise<number> {
  let options: Options;
  try {
    options = parse(args);
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : "wrong options"}\n\n${usage}`);
    return exitCodes.usage;
  }
  if (options.help) {
    process.stdout.write(usage);
    return exitCodes.ok;
  }
  const stop = new AbortController();
  let toldAt: number | undefined;
  const told = (): void => {
    // npm hands a Ctrl-C on that the terminal has sent here already, so the same one comes twice.
    if (toldAt !== undefined && Date.now() - toldAt < sameSignalMs) return;
    // A second one does not wait for the clean-up: everything that was started ends with this process, only less gently.
    if (toldAt !== undefined) process.exit(exitCodes.interrupted);
    toldAt = Date.now();
    stop.abort(new Error("interrupted"));
    say("stopping, and removing what was started (Ctrl-C again ends at once)");
  };
  for (const signal of signals) process.on(signal, told);
  try {
    const outcome = await run(options, stop.signal);
    if (typeof outcome === "number") return outcome;
    return outcome ? exitCodes.ok : exitCodes.failed;
  } catch (error) {
    if (stop.signal.aborted) return exitCodes.interrupted;
    say(`\n${name}: ${explain(error, stacks)}`);
    return exitCodes.failed;
  } finally {
    for (const signal of signals) process.off(signal, told);
  }
}

/** What happened, and what it came from. */
function explain(error: unknown, stacks: boolean): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\n  because: ${explain(error.cause, stacks)}`;
  return `${stacks ? (error.stack ?? error.message) : error.message}${cause}`;
}
