import type { Tag } from "@aws-sdk/client-ecs";
import { group } from "../../api/kind.ts";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { Instance, Launch, ResolvedClass } from "../types.ts";

/** classUidTag marks the tasks that an operator started through a class: uids are unique, so two operators may share a cluster. */
export const classUidTag = `${group}/class-uid`;

const requestTag = `${group}/request`;
const targetTag = `${group}/target`;

const maxTags = 50;

/**
 * launchTags are a task's tags: our own first, then the class', then the launch's facts. They are decoration for people and bills,
 * since StopTask deletes them, except classUidTag, which list() reads while a task lives, and those of ownerOf.
 */
export function launchTags(launch: Launch<ECSRunnerClassSpec>): Tag[] {
  const own: readonly (readonly [string, string])[] = [
    [classUidTag, launch.class.uid],
    [`${group}/class`, `${launch.class.namespace}/${launch.class.name}`],
    [requestTag, `${launch.requestNamespace}/${launch.requestName}`],
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

/** ownerOf tells whose a live task is beyond its identity: the namespace of its request, and the name of the target there. */
export function ownerOf(tags: readonly Tag[] | undefined): Pick<Instance, "requestNamespace" | "target"> {
  const valueOf = (tag: string): string | undefined => tags?.find(({ key }) => key === tag)?.value;
  const [requestNamespace, request] = valueOf(requestTag)?.split("/") ?? [];
  const target = valueOf(targetTag);
  if (!requestNamespace || !request || !target) return {};
  return { requestNamespace, target };
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
