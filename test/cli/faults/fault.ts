import type { Verdict } from "../../../src/cli/doctor/check.ts";
import type { Parts } from "../../../src/cli/doctor/command.ts";
import type { Stage } from "../stage.ts";

/** Fault is one broken set-up, and what doctor has to say of it. */
export interface Fault {
  /** What was broken, as a person would tell it. */
  readonly title: string;
  /** Breaks it; what it changes through the stage is changed back. */
  readonly plant: (stage: Stage) => unknown;
  readonly finds: {
    readonly verdict: Verdict;
    readonly object: RegExp;
    readonly check: string;
    readonly says: RegExp;
    readonly advises: RegExp;
  };
  readonly parts?: Parts;
}
