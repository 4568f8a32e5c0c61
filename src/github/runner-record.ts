import { isRunnerVersion } from "./runner-version.ts";
import { text, wholeNumber } from "./shape.ts";
import type { RunnerRecord } from "./types.ts";

/** RawRunner is the part of GitHub's runner that is read. Servers of companies may be older: what can be missing is optional. */
export interface RawRunner {
  readonly id: number | bigint;
  readonly name: string;
  readonly status?: string;
  readonly busy?: boolean;
  readonly labels?: readonly { readonly name: string }[];
  readonly version?: string | null;
}

/** toRunnerRecord converts GitHub's runner into ours. */
export function toRunnerRecord(raw: RawRunner): RunnerRecord {
  return {
    id: wholeNumber(raw.id),
    name: text(raw.name),
    status: raw.status === "online" ? "online" : "offline",
    busy: raw.busy === true,
    labels: (raw.labels ?? []).map((label) => label.name),
    ...(isRunnerVersion(raw.version) && { version: raw.version }),
  };
}
