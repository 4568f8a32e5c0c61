const multipliers: Readonly<Record<string, bigint>> = {
  "": 1n,
  k: 1_000n,
  M: 1_000_000n,
  G: 1_000_000_000n,
  T: 1_000_000_000_000n,
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
};

/**
 * parseBytes reads a Kubernetes quantity of bytes (`2Gi`, `512Mi`, `1.5G`) and returns the number of bytes.
 * @throws RangeError when the text is not such a quantity.
 */
export function parseBytes(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(text);
  const factor = multipliers[match?.[2] ?? ""];
  if (match?.[1] === undefined || factor === undefined) {
    throw new RangeError(`"${text}" is not a size; write for example 512Mi, 2Gi or 30G`);
  }
  return Math.round(Number(match[1]) * Number(factor));
}

/** parseMebibytes reads a size as parseBytes does and returns whole MiB, rounded up, the unit ECS counts memory in. */
export function parseMebibytes(text: string): number {
  return Math.ceil(parseBytes(text) / (1 << 20));
}

/** parseGibibytes reads a size as parseBytes does and returns whole GiB, rounded up, the unit ECS counts disks in. */
export function parseGibibytes(text: string): number {
  return Math.ceil(parseBytes(text) / (1 << 30));
}
