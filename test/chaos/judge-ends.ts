import type { Evidence } from "./evidence.ts";
import { about, type Detail, time } from "./finding.ts";

/** unexpectedEnds finds processes that ended when nobody told them to, or in another way than they were told. */
export function unexpectedEnds({ exits, fatal, leaseRisks }: Evidence): Detail[] {
  const mayLose = (operator: string, at: number): boolean =>
    leaseRisks.some((risk) => at >= risk.from && at <= risk.to && (risk.operator === undefined || risk.operator === operator));
  const ends = exits.flatMap(({ operator, code, at, told, lostLease }) => {
    if (lostLease && mayLose(operator, at)) return [];
    // A process that hangs at SIGTERM is killed in the end, and then looks like one that was killed at once.
    if (told === "SIGTERM" ? code === 0 : told === "SIGKILL" && (code === 0 || code === 137)) return [];
    const how = told !== undefined ? `when it was told ${told}` : lostLease ? "with a lost Lease without a reason" : "by itself";
    return [about(`operator ${operator} ended with ${code} ${how} at ${time(at)}`)];
  });
  const lines = fatal.filter((line) => !line.includes("lost the Lease"));
  return [...ends, ...lines.map((line) => about(line.slice(0, 600)))];
}
