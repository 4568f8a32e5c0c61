import type { EventDetails } from "../../kube/recorder.ts";
import { isoTime } from "../../util/clock.ts";
import { formatDuration } from "../../util/duration.ts";
import type { Circuit, CircuitReason } from "./circuit.ts";

/** CircuitEntry is a circuit as the status of a class shows it; a rung without one is used. */
export interface CircuitEntry {
  capacity: string;
  state: "Open" | "HalfOpen";
  reason: CircuitReason;
  message: string;
  since: string;
  until: string;
}

/** toEntry renders a circuit for the status. */
export function toEntry(capacity: string, { state, reason, message, sinceMs, untilMs }: Circuit): CircuitEntry {
  return { capacity, state, reason, message: message.slice(0, 300), since: isoTime(sinceMs), until: isoTime(untilMs) };
}

/** fromEntry reads it back. */
export function fromEntry({ state, reason, message, since, until }: Readonly<CircuitEntry>): Circuit {
  return { state, reason, message, sinceMs: Date.parse(since), untilMs: Date.parse(until) };
}

/** CircuitEventReason is what an event of a class says of a circuit. */
export type CircuitEventReason = "CircuitOpened" | "CircuitHalfOpen" | "CircuitClosed";

/** changesBetween are the events that lead from the stored circuits of a class to the new ones. */
export function changesBetween(
  stored: readonly Readonly<CircuitEntry>[],
  now: readonly CircuitEntry[],
  rungs: readonly string[],
): readonly EventDetails<CircuitEventReason>[] {
  const event = (type: EventDetails["type"], reason: CircuitEventReason, note: string): EventDetails<CircuitEventReason> => {
    return { type, reason, action: "Launch", note };
  };
  const events: EventDetails<CircuitEventReason>[] = [];
  for (const { capacity, state, message, since, until } of now) {
    const before = stored.find((entry) => entry.capacity === capacity);
    if (before?.state === state && (state === "HalfOpen" || before.since === since)) continue;
    if (state === "Open") {
      const span = formatDuration(Date.parse(until) - Date.parse(since));
      events.push(event("Warning", "CircuitOpened", `${capacity} is passed over for ${span}, until ${until}: ${message}`));
    } else {
      events.push(event("Normal", "CircuitHalfOpen", `${capacity} was passed over long enough; one runner tries it`));
    }
  }
  for (const { capacity } of stored) {
    if (now.some((entry) => entry.capacity === capacity)) continue;
    const note = rungs.includes(capacity) ? `${capacity} is used again` : `the class has no rung ${capacity} any more`;
    events.push(event("Normal", "CircuitClosed", note));
  }
  return events;
}
