import type { FaultKind } from "./fault-kinds.ts";
import { operatorOf } from "./fleet.ts";
import type { AppliedFault } from "./play.ts";

/** LeaseRisk is a time in which an operator, or any of them, may lose its Lease. */
export interface LeaseRisk {
  readonly from: number;
  readonly to: number;
  readonly operator?: string;
}

/** After a fault its Lease may still be lost: answers that were refused are counted, and a process may have begun meanwhile. */
const aftermathMs = 10_000;

/** What keeps one operator from renewing its Lease. Watches that are cut or expired do not: renewals are calls of their own. */
const ofOne: readonly FaultKind[] = ["operator-freeze", "kube-refuse", "kube-slow", "kube-429", "kube-500", "kube-lost-answer"];
/** What keeps both from it. */
const ofBoth: readonly FaultKind[] = ["kube-restart", "kube-pause"];

/** leaseRisks binds each fault that explains a lost Lease to the operator that it hit. */
export function leaseRisks(faults: readonly AppliedFault[]): LeaseRisk[] {
  return faults.flatMap(({ kind, from, to, pick }) => {
    const time = { from, to: to + aftermathMs };
    if (ofBoth.includes(kind)) return [time];
    return ofOne.includes(kind) ? [{ ...time, operator: operatorOf(pick) }] : [];
  });
}
