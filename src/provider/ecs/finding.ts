import type { readyReasons } from "../../api/v1alpha1/reasons.ts";
import { isProviderError } from "../errors.ts";
import type { Finding } from "../types.ts";
import { awsCause } from "./errors.ts";

/** FindingReason is one of the documented reasons of an ECSRunnerClass' Ready condition and of its Warning events. */
export type FindingReason = keyof (typeof readyReasons)["ECSRunnerClass"];

/** error is a finding with which no runner of the class can be started: Ready is False with it. */
export function error(reason: FindingReason, message: string): Finding {
  return { severity: "Error", reason, message: cut(message) };
}

/** warning is a finding that concerns a part of the class, or costs something later: Ready stays True and shows it. */
export function warning(reason: FindingReason, message: string): Finding {
  return { severity: "Warning", reason, message: cut(message) };
}

/** toFinding makes a finding of what a person must mend; what passes by itself is thrown on, since the last known state holds then. */
export function toFinding(failure: unknown, notReady: FindingReason): Finding {
  if (!isProviderError(failure)) throw failure;
  switch (failure.code) {
    case "Unauthorized":
      return error("Unauthorized", failure.message);
    case "TargetNotReady":
    case "NotFound":
      return error(notReady, failure.message);
    case "InvalidRequest":
      return error(
        awsCause(failure)?.operation === "DescribeClusters" ? "ClusterNotFound" : "TaskDefinitionInvalid",
        failure.message,
      );
    case "InsufficientCapacity":
    case "Throttled":
    case "Unavailable":
    case "Internal":
      throw failure;
    default:
      failure.code satisfies never;
      throw failure;
  }
}

function cut(message: string): string {
  return message.length > 300 ? `${message.slice(0, 297)}...` : message;
}
