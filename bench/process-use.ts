import { readFileSync } from "node:fs";

/** Use is what a process has used of the machine so far. */
export interface Use {
  readonly cpuMs: number;
  readonly rssMiB: number;
}

/** Linux counts CPU in ticks of 10 ms for user space (sysconf _SC_CLK_TCK is 100 on every architecture that Node runs on). */
const tickMs = 10;

/** useOf reads /proc; source: proc(5), fields utime and stime of stat, and VmRSS of status. */
export function useOf(pid: number): Use {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name of the command may hold anything, also spaces and brackets: fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
    rssMiB: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024,
  };
}

/** usedBetween is the CPU that was used between two looks. */
export function usedBetween(before: Use, after: Use): number {
  return after.cpuMs - before.cpuMs;
}
