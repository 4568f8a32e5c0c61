/** Exit is how a process of an operator ended. */
export interface Exit {
  readonly at: number;
  readonly operator: string;
  readonly code: number;
  /** The signal by which the harness ended it; absent when it ended by itself. */
  readonly told?: "SIGKILL" | "SIGTERM";
  /** It ended since it had lost its Lease, which it says in its last words. */
  readonly lostLease: boolean;
}

/** lostLease reads in a log whether that is why its process ended. */
export function lostLease(log: string): boolean {
  return fatalLines(log.split("\n")).some((line) => line.includes("lost the Lease"));
}

/** fatalLines are those after which the process ended, and what Node prints when it dies without any. */
export function fatalLines(lines: readonly string[]): string[] {
  return lines.filter(
    (line) => line.includes('"level":"fatal"') || (!line.startsWith("{") && /^\S*(Error|Uncaught|FATAL)/.test(line)),
  );
}
