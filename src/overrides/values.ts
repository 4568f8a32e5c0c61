/** Reading is a value in its canonical form, or what is wrong with it. */
export type Reading<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly problem: string };

const mebibytesOf = { g: 1024, gb: 1024, gi: 1024, gib: 1024, m: 1, mb: 1, mi: 1, mib: 1 } as const;

/** The values of these functions come in small letters: GitHub ignores the case of labels, and so do they. */

/** readCpu reads a number of vCPUs: 4, 4.0, 0.25, 4vcpu. */
export function readCpu(text: string): Reading<number> {
  const match = /^([0-9]{1,4}(?:\.[0-9]{1,3})?)(?:vcpus?|cpus?)?$/.exec(text);
  const value = Number(match?.[1]);
  // The same bounds as the schema of spec.overrides has.
  return match !== null && value >= 0.001
    ? { ok: true, value }
    : { ok: false, problem: "write a number of vCPUs, such as 4 or 0.5" };
}

/** readQuantity reads an amount of memory or disk in GiB or MiB; its canonical form is 16Gi where that is whole, else 1536Mi. */
export function readQuantity(text: string): Reading<string> {
  const match = /^([0-9]{1,7}(?:\.[0-9]{1,3})?)([a-z]*)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return { ok: false, problem: "write an amount, such as 16Gi" };
  if (match[2] === "") return { ok: false, problem: `of what? Write ${match[1]}Gi or ${match[1]}Mi` };
  const unit = mebibytesOf[match[2] as keyof typeof mebibytesOf];
  if (!Object.hasOwn(mebibytesOf, match[2])) return { ok: false, problem: "write the unit as Gi or Mi" };
  const mebibytes = Number(match[1]) * unit;
  if (!Number.isSafeInteger(mebibytes) || mebibytes === 0) return { ok: false, problem: "write a whole number of Mi" };
  return { ok: true, value: mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi` };
}

/** readName reads a name that a class gives. */
export function readName(text: string): Reading<string> {
  return /^[a-z0-9]([-.a-z0-9]{0,61}[a-z0-9])?$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, problem: "write a name: a to z, 0 to 9, - and . between them, at most 63" };
}
