import { isoTime } from "../util/clock.ts";

/** Condition is metav1.Condition: one observation about an object. */
export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** ReadonlyCondition is a condition as a store hands it out. */
export type ReadonlyCondition = Readonly<Condition>;

const maxMessageLength = 300;

/** getCondition finds the condition of a type. */
export function getCondition<C extends ReadonlyCondition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** isTrue is whether the condition of a type exists and is True. */
export function isTrue(conditions: readonly ReadonlyCondition[] | undefined, type: string): boolean {
  return getCondition(conditions, type)?.status === "True";
}

/**
 * setCondition puts a condition into the list in place and says whether the list changed. The transition time moves
 * only when the status does, so that deadlines can be counted from it; a message is cut at 300 characters.
 */
export function setCondition(list: Condition[], change: Omit<Condition, "lastTransitionTime">, nowMs: number): boolean {
  const message = cut(change.message);
  const index = list.findIndex((condition) => condition.type === change.type);
  const current = list[index];
  if (
    current !== undefined &&
    current.status === change.status &&
    current.reason === change.reason &&
    current.message === message &&
    current.observedGeneration === change.observedGeneration
  ) {
    return false;
  }
  const lastTransitionTime = current?.status === change.status ? current.lastTransitionTime : isoTime(nowMs);
  // The element is replaced, never edited: a draft's list may still hold elements of the frozen object it came from.
  list[index < 0 ? list.length : index] = { ...change, message, lastTransitionTime };
  return true;
}

function cut(message: string): string {
  if (message.length <= maxMessageLength) return message;
  // toWellFormed: the cut may fall between the halves of a surrogate pair, which the API server would refuse.
  return `${message.slice(0, maxMessageLength - 1).toWellFormed()}…`;
}
