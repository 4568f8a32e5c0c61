import { columns, plain } from "../output.ts";
import type { JobAnswer, RunnerAnswer, Size } from "./job.ts";

/** jobText is the answer about a job that may come, for people. */
export function jobText(answer: JobAnswer): string {
  const parts = [headline(answer)];
  const { runner, waits = [] } = answer;
  if (runner !== undefined) parts.push(columns(runnerRows(runner), "  "));
  if (waits.length > 0) parts.push(`It would wait now:\n${waits.map((each) => `  ${each}\n`).join("")}`);
  const { closest } = answer;
  if (closest !== undefined) parts.push(`Closest: RunnerTarget ${closest.target}, but ${withoutName(closest)}\n`);
  const rows = answer.targets.map((each) => [each.verdict, each.target, withoutName(each)]);
  if (rows.length > 0) parts.push(`Every target:\n${columns(rows, "  ")}`);
  return parts.map((part) => part.split("\n").map(plain).join("\n")).join("\n");
}

/** A reason that stands beside the target's name need not name it again. */
function withoutName({ target, why }: { readonly target: string; readonly why: string }): string {
  return why.replaceAll(`RunnerTarget ${target}`, "it");
}

function headline({ verdict, target, reason = "", repository, labels, visibility }: JobAnswer): string {
  const job = `A job of ${repository} (${visibility}) with [${labels.join(", ")}]`;
  if (verdict === "Served") return `${job} gets its runner from RunnerTarget ${target}.\n`;
  if (verdict === "Rejected") return `${job} is rejected by RunnerTarget ${target}: ${reason}\n`;
  return `${job} gets no runner: ${reason}\n`;
}

function runnerRows(runner: RunnerAnswer): string[][] {
  const { overrides, rungs, atMost, securityGroups } = runner;
  const asked = Object.entries(overrides).map(([key, value]) => `${key}=${value}`);
  return [
    ["class", `${runner.class}: cluster ${runner.cluster} in ${runner.region}`],
    ["asked for", asked.length === 0 ? "nothing beside the class" : asked.join(", ")],
    ["runner", `${inWords(runner.size)}, image ${runner.image}`],
    ["labels", runner.labels.join(", ")],
    ...(securityGroups === undefined ? [] : [["security", securityGroups.join(", ")]]),
    ...rungs.map(({ name, providers, passedOver }, index) => {
      const text = `${index + 1}. ${name} (${providers.join(", ")})`;
      const circuit = passedOver === undefined ? "" : `, passed over until ${passedOver.until}: ${passedOver.message}`;
      return [index === 0 ? "capacity" : "", `${text}${circuit}`];
    }),
    ["at most", `${atMost.runners} runners at a time: ${inWords(atMost)}`],
  ];
}

function inWords({ cpu, memoryGiB, diskGiB }: Size): string {
  const number = (value: number): string => String(Math.round(value * 1_000) / 1_000);
  const disk = diskGiB === undefined ? "" : `, ${number(diskGiB)} GiB disk`;
  return `${number(cpu)} vCPU, ${number(memoryGiB)} GiB memory${disk}`;
}
