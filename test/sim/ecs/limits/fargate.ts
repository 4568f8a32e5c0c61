const gib = 1024;

function range(fromMib: number, toMib: number, stepMib: number): readonly number[] {
  return Array.from({ length: (toMib - fromMib) / stepMib + 1 }, (_, index) => fromMib + index * stepMib);
}

// CPU units to the memory sizes (MiB) that Fargate sells with them.
const sizes: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, 1024, 2048]],
  [512, range(gib, 4 * gib, gib)],
  [1024, range(2 * gib, 8 * gib, gib)],
  [2048, range(4 * gib, 16 * gib, gib)],
  [4096, range(8 * gib, 30 * gib, gib)],
  [8192, range(16 * gib, 60 * gib, 4 * gib)],
  [16384, range(32 * gib, 120 * gib, 8 * gib)],
]);

/** fargateSizeProblem says why a task size is not one that Fargate sells, or undefined if it is. */
export function fargateSizeProblem(cpu: string | undefined, memory: string | undefined): string | undefined {
  const units = parseCpu(cpu);
  const mib = parseMemory(memory);
  if (units !== undefined && mib !== undefined && sizes.get(units)?.includes(mib) === true) {
    return undefined;
  }
  return `No Fargate configuration exists for given values: ${cpu ?? "no"} CPU, ${memory ?? "no"} memory.`;
}

/** parseCpu reads a task's cpu as CPU units: "1024", "1 vCPU", ".5 vcpu". */
export function parseCpu(text: string | undefined): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(vcpu)?\s*$/i.exec(text ?? "");
  if (match === null) {
    return undefined;
  }
  const value = Number(match[1]);
  const units = match[2] === undefined ? value : value * 1024;
  return Number.isInteger(units) ? units : undefined;
}

/** parseMemory reads a task's memory as MiB: "2048", "2 GB", "2GB". */
export function parseMemory(text: string | undefined): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(gb)?\s*$/i.exec(text ?? "");
  if (match === null) {
    return undefined;
  }
  const value = Number(match[1]);
  const mib = match[2] === undefined ? value : value * gib;
  return Number.isInteger(mib) ? mib : undefined;
}
