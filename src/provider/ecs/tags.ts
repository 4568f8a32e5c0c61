import type { Tag } from "@aws-sdk/client-ecs";
import { group } from "../../api/kind.ts";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { Launch, RegisteredIn, ResolvedClass } from "../types.ts";

/** classUidTag marks the tasks that an operator started through a class: uids are unique, so two operators may share a cluster. */
export const classUidTag = `${group}/class-uid`;

const appTag = `${group}/githubapp`;
const scopeTag = `${group}/scope`;

const maxTags = 50;

/**
 * launchTags are a task's tags: our own first, then the class', then the launch's facts. They are decoration for people and bills,
 * since StopTask deletes them, except classUidTag, which list() reads while a task lives, and those of registeredInOf.
 */
export function launchTags(launch: Launch<ECSRunnerClassSpec>): Tag[] {
  const own: readonly (readonly [string, string])[] = [
    [classUidTag, launch.class.uid],
    [`${group}/class`, `${launch.class.namespace}/${launch.class.name}`],
    [appTag, launch.registeredIn.app],
    [scopeTag, launch.registeredIn.scope],
    [`${group}/request`, `${launch.requestNamespace}/${launch.requestName}`],
    [`${group}/attempt`, String(launch.attempt)],
  ];
  const facts = Object.entries(launch.tags).map(([key, value]) => [key.includes("/") ? key : `${group}/${key}`, value] as const);
  const tags = new Map<string, string>();
  for (const [key, value] of [...own, ...Object.entries(launch.class.spec.tags ?? {}), ...facts.sort(byKey)]) {
    const name = clean(key, 128);
    if (tags.size < maxTags && name !== "" && !/^aws:/i.test(name) && !tags.has(name)) tags.set(name, clean(value, 256));
  }
  return [...tags].map(([key, value]) => ({ key, value }));
}

/** isOfClass tells whether a live task was started through a class. */
export function isOfClass(tags: readonly Tag[] | undefined, cls: ResolvedClass): boolean {
  return tags?.some(({ key, value }) => key === classUidTag && value === cls.uid) === true;
}

/** registeredInOf tells where the runner of a live task is registered; what is no App and scope tells nothing. */
export function registeredInOf(tags: readonly Tag[] | undefined): RegisteredIn | undefined {
  const valueOf = (tag: string): string => tags?.find(({ key }) => key === tag)?.value ?? "";
  const [app, scope] = [valueOf(appTag), valueOf(scopeTag)];
  return /^[^/]+\/[^/]+$/.test(app) && /^[^/]+(\/[^/]+)?$/.test(scope) ? { app, scope } : undefined;
}

/** AWS allows letters, digits, spaces and _.:/=+-@ in tags; repository and workflow names may hold more. */
function clean(text: string, maxLength: number): string {
  const allowed = text.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, "_");
  // Cut by code units, as AWS counts, but never through the middle of a character.
  return allowed
    .slice(0, maxLength)
    .replace(/[\uD800-\uDBFF]$/, "")
    .trim();
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
