import type { ECSRunnerClassSpec, ECSRunnerClassStatus } from "../../api/v1alpha1/ecs-runner-class.ts";
import { isoTime } from "../../util/clock.ts";
import { isProviderError } from "../errors.ts";
import type { Finding } from "../types.ts";
import type { EcsApi } from "./clients.ts";
import { toFinding, warning } from "./finding.ts";
import { imageProblem } from "./image-reference.ts";
import { registeredDefinition } from "./task-definition.ts";
import type { TaskDefinitions } from "./task-definitions.ts";

/** StoredDefinition is an entry of the class' status: a definition that the operator registered for it. */
export type StoredDefinition = NonNullable<ECSRunnerClassStatus["taskDefinitions"]>[number];

/** What a check of the definitions works with. */
export interface DefinitionCheck {
  readonly api: EcsApi;
  readonly definitions: TaskDefinitions;
  readonly spec: ECSRunnerClassSpec;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

export interface DefinitionState {
  readonly findings: readonly Finding[];
  readonly taskDefinitions: readonly StoredDefinition[];
}

/** How long a definition stays that the class needs no more: a change may be taken back, and launches may be under way. */
const keepUnusedMs = 60 * 60_000;
/** AWS lets an account change 20 definitions at once and one a second after that; launches come first. */
const maxRetired = 5;
/** As many as the CRD lets the status hold. */
const maxStored = 48;

/**
 * definitionState registers what is missing, so that a broken image shows before a job needs it. The class' own image, or the definition
 * that it names, is needed by every job, and what is wrong with it is an Error; one of `images` is a Warning, since all other jobs run.
 * What the class needs no more is deregistered after an hour.
 */
export async function definitionState(check: DefinitionCheck, stored: readonly StoredDefinition[]): Promise<DefinitionState> {
  const { api, definitions, spec, signal } = check;
  const findings: Finding[] = [];
  const needed = new Map<string, StoredDefinition | undefined>();
  const keep = (image: string | undefined): void => {
    if (image === undefined) return;
    const { hash } = registeredDefinition({ ...spec, image });
    needed.set(hash, withoutMark(stored.find((entry) => entry.hash === hash)));
  };
  const ensure = async (image: string | undefined): Promise<void> => {
    const { arn, hash } = await definitions.ensure(api, image === undefined ? spec : { ...spec, image }, signal);
    if (hash !== undefined && image !== undefined) needed.set(hash, { image, arn, hash });
  };

  const usable = spec.images.filter(({ image }) => imageProblem(image) === undefined);
  for (const { image } of [spec, ...usable]) keep(image);
  try {
    await ensure(spec.image);
  } catch (failure) {
    findings.push(toFinding(failure, "TaskDefinitionNotFound"));
  }
  for (const { name, image } of usable) {
    try {
      await ensure(image);
    } catch (failure) {
      // The others would meet the same, each with a place in the line for registrations that launches then stand behind.
      if (isBusy(failure)) break;
      const finding = imageFinding(name, failure);
      if (finding !== undefined) findings.push(finding);
    }
  }
  const kept = await retireUnused(
    check,
    stored.filter(({ hash }) => !needed.has(hash)),
  );
  const current = [...needed.values()].filter((entry) => entry !== undefined);
  return {
    findings: [...findings, ...kept.findings],
    taskDefinitions: [...current, ...kept.taskDefinitions].slice(0, maxStored),
  };
}

/** What passes by itself is no finding: the next check asks again, and so does the launch of a job that needs the image. */
function imageFinding(name: string, failure: unknown): Finding | undefined {
  if (!isProviderError(failure)) throw failure;
  if (failure.code === "Internal") return undefined;
  const { reason, message } = toFinding(failure, "TaskDefinitionNotFound");
  return warning(reason as Parameters<typeof warning>[0], `image=${name} cannot be used: ${message}`);
}

/** ECS has no time for calls of the check, or does not answer. */
function isBusy(failure: unknown): boolean {
  return isProviderError(failure) && (failure.code === "Throttled" || failure.code === "Unavailable");
}

async function retireUnused(
  { api, definitions, spec, nowMs, signal }: DefinitionCheck,
  unused: readonly StoredDefinition[],
): Promise<DefinitionState> {
  const kept: StoredDefinition[] = [];
  const findings: Finding[] = [];
  let asked = 0;
  // The longest unused first; what is over the status' size at the end is the newest, and least likely to be needed again.
  const entries = unused
    .map((entry) => ({ ...entry, unusedSince: entry.unusedSince ?? isoTime(nowMs) }))
    .sort((a, b) => Date.parse(a.unusedSince) - Date.parse(b.unusedSince));
  for (const entry of entries) {
    const due = nowMs - Date.parse(entry.unusedSince) >= keepUnusedMs && asked < maxRetired && findings.length === 0;
    try {
      if (due) {
        asked += 1;
        if (await definitions.retire(api, spec, entry, signal)) continue;
      }
    } catch (failure) {
      if (!isProviderError(failure)) throw failure;
      if (failure.code === "Unauthorized") {
        const message = `task definitions that the class needs no more stay registered: allow ecs:DeregisterTaskDefinition to the operator's identity (${arnTail(entry.arn)})`;
        findings.push(warning("RightMissing", message));
      }
      // Anything else passes; cleaning up must not stand in the way of a check, nor wait in line before launches.
      if (isBusy(failure)) asked = maxRetired;
    }
    kept.push(entry);
  }
  return { findings, taskDefinitions: kept };
}

function withoutMark(entry: StoredDefinition | undefined): StoredDefinition | undefined {
  return entry && { image: entry.image, arn: entry.arn, hash: entry.hash };
}

function arnTail(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}
