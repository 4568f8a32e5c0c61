import type { KindDefinition } from "../kind.ts";
import { ecsRunnerClassKind } from "./ecs-runner-class.ts";
import { githubAppKind } from "./github-app.ts";
import { runnerRequestKind } from "./runner-request.ts";
import { runnerTargetKind } from "./runner-target.ts";

/** kinds is every kind of getabako.dev/v1alpha1, in the order in which people meet them. */
export const kinds: readonly KindDefinition[] = [githubAppKind, ecsRunnerClassKind, runnerTargetKind, runnerRequestKind];
