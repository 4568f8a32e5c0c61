/** LeaseRisk is a time in which an operator, or any of them, may lose its Lease. */
export interface LeaseRisk {
  readonly from: number;
  readonly to: number;
  readonly operator?: string;
}

/** After a fault its Lease may still be lost: renewals that failed are counted, and a process may have begun meanwhile. */
const aftermathMs = 10_000;

/**
 * LeaseRisks writes down when the script kept an operator, or both, from renewing a Lease, and for how long really: what hits the next
 * requests of an operator lasts until it has sent so many. Watches that are cut or expired are no risk: renewals are calls of their own.
 */
export class LeaseRisks {
  readonly #risks: { readonly from: number; to: number; readonly operator?: string }[] = [];

  /** Begins a time, of one operator or of both, that lasts until the answer is called. */
  begin(operator?: string): () => void {
    const risk = { from: Date.now(), to: Number.POSITIVE_INFINITY, ...(operator !== undefined && { operator }) };
    this.#risks.push(risk);
    return () => (risk.to = Math.min(risk.to, Date.now()));
  }

  all(): LeaseRisk[] {
    return this.#risks.map((risk) => ({ ...risk, to: risk.to + aftermathMs }));
  }
}
