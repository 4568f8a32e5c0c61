import type { CircuitReason } from "./circuit.ts";

/** CircuitPeriods are the waiting times of the circuit breaker, in milliseconds. */
export interface CircuitPeriods extends Readonly<Record<string, number>> {
  /** This long two interruptions may lie apart to open a rung's circuit ... */
  readonly interruptionWindowMs: number;
  /** ... for so long; twice as long each time that the runner which tries it is interrupted or refused ... */
  readonly interruptionOpenMs: number;
  /** ... up to this. */
  readonly longestInterruptionOpenMs: number;
  /** So many refusals in a row, in this time, open it ... */
  readonly refusalWindowMs: number;
  /** ... for so long, and so on. */
  readonly refusalOpenMs: number;
  readonly longestRefusalOpenMs: number;
  /** A runner that ran so long, and was not interrupted, shows that the rung can be used again; so does one whose job ended. */
  readonly proofMs: number;
  /** How long the others leave the rung to a launch whose call has no outcome: its process may have died. */
  readonly callMs: number;
  /** How long they leave it to a runner that neither proved the rung nor ended. */
  readonly trialMs: number;
}

/**
 * circuitPeriods as they are in production. The interruptions are RunsOn's default, two in 15 minutes, then on-demand for 30, with a share
 * of ours for large fleets. Capacity comes back within minutes, and to ask for it costs one call.
 */
export const circuitPeriods: CircuitPeriods = {
  interruptionWindowMs: 15 * 60_000,
  interruptionOpenMs: 30 * 60_000,
  longestInterruptionOpenMs: 4 * 3_600_000,
  refusalWindowMs: 5 * 60_000,
  refusalOpenMs: 5 * 60_000,
  longestRefusalOpenMs: 30 * 60_000,
  proofMs: 5 * 60_000,
  callMs: 2 * 60_000,
  trialMs: 15 * 60_000,
};

/** Rule is when a kind of sign opens a circuit, and for how long. */
export interface Rule {
  /** At least so many ... */
  readonly count: number;
  /** ... and this share of the runners that the rung had meanwhile. */
  readonly share: number;
  readonly windowMs: number;
  readonly openMs: number;
  readonly longestMs: number;
}

/** ruleOf is the rule of a reason. */
export function ruleOf(reason: CircuitReason, periods: CircuitPeriods): Rule {
  switch (reason) {
    case "Interruptions":
      return {
        count: 2,
        // Single interruptions are what Spot is like; with hundreds of runners two in a quarter of an hour are nothing.
        share: 1 / 20,
        windowMs: periods.interruptionWindowMs,
        openMs: periods.interruptionOpenMs,
        longestMs: periods.longestInterruptionOpenMs,
      };
    case "CapacityRefused":
      return {
        count: 5,
        // A rung that gives runners all the same is not full, whatever their number.
        share: 0,
        windowMs: periods.refusalWindowMs,
        openMs: periods.refusalOpenMs,
        longestMs: periods.longestRefusalOpenMs,
      };
  }
}
