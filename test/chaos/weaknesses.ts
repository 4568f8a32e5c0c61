import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "esbuild";
import type { Profile } from "./fault-kinds.ts";
import type { InvariantName } from "./invariants.ts";

/** Weakness is one protection of the operator, and the change to its source that takes it away. */
export interface Weakness {
  readonly what: string;
  /** Path below src. */
  readonly file: string;
  /** Stands there exactly once; a unit test holds that. */
  readonly find: string;
  readonly replace: string;
  /** The faults that need the protection. */
  readonly profile: Profile | "all";
  /** What has to break without it. Anything else that breaks is not this hole, so it does not count as found. */
  readonly breaks: readonly InvariantName[];
}

/** A job that nobody serves any more: it never runs, so the world never comes to rest. */
const unserved = ["the world comes to rest", "every covered job runs exactly once"] as const;

/** weaknesses are what `--weaken NAME` can take away: a check that cannot fail proves nothing, so chaos has to find each of them. */
export const weaknesses = {
  replacements: {
    what: "no request replaces one whose runner was taken",
    file: "controllers/bucket/controller.ts",
    find: "else await this.#replace(step, context)",
    replace: "else await Promise.resolve(this.#replace.name)",
    profile: "github",
    breaks: unserved,
  },
  surplus: {
    what: "nobody is ever one too many",
    file: "accounting/ledger.ts",
    find: "return before < books.supply - books.demand;",
    replace: "return before < 0;",
    profile: "all",
    breaks: ["the world comes to rest", "no more runners are started than jobs and faults explain"],
  },
  redelivery: {
    what: "failed deliveries are not sent again",
    file: "intake/sweep/redelivery.ts",
    find: "const apps = sweptApps(this.#o.apps.store.list(), this.#o.github);",
    replace: "const apps = sweptApps(this.#o.apps.store.list(), this.#o.github).slice(0, 0);",
    profile: "webhooks",
    breaks: unserved,
  },
  "queued-jobs": {
    what: "nobody looks for queued jobs that left no trace",
    file: "intake/sweep/queued-jobs.ts",
    find: "const apps = sweptApps(this.#o.apps.list(), this.#o.github);",
    replace: "const apps = sweptApps(this.#o.apps.list(), this.#o.github).slice(0, 0);",
    profile: "webhooks",
    breaks: unserved,
  },
  refresh: {
    what: "nobody reads jobs again whose news are old",
    file: "intake/sweep/refresh.ts",
    find: "const swept = sweptApps(apps.list(), github);",
    replace: "const swept = sweptApps(apps.list(), github).slice(0, 0);",
    profile: "webhooks",
    breaks: ["the world comes to rest", "no request is held"],
  },
  "instance-sweep": {
    what: "instances that belong to no attempt stay; they are still counted, and launches still found",
    file: "controllers/instance-sweep/sweep.ts",
    find: "ripe.slice(0, removalsASweep)",
    replace: "ripe.slice(0, 0 * removalsASweep)",
    profile: "kube",
    breaks: ["the world comes to rest", "no instance is left"],
  },
  "registration-sweep": {
    what: "registrations that belong to no attempt stay; they are still counted, and lost ones still found",
    file: "controllers/registration-sweep/sweep.ts",
    find: "await this.#each(scope, ripe.unwanted, (find)",
    replace: "await this.#each(scope, ripe.unwanted.slice(0, 0), (find)",
    profile: "kube",
    breaks: ["the world comes to rest", "no registration is left"],
  },
  "client-token": {
    what: "every RunTask has another clientToken",
    file: "provider/ecs/task-input.ts",
    find: "return shortHash(canonicalJson([requestUid, attempt, tries, name]), 64);",
    replace: "return shortHash(canonicalJson([requestUid, attempt, tries, name, Math.random()]), 64);",
    profile: "ecs",
    breaks: ["one attempt has one live instance", "one attempt starts one instance"],
  },
  "forward-only": {
    what: "the newest event counts, whatever it says",
    file: "request/job-record.ts",
    find: "if (isLater(known.state, job.state)) return false;",
    replace: "if (nowMs < 0) return false;",
    profile: "webhooks",
    breaks: ["what is written never goes back"],
  },
  census: {
    what: "a new leader grants contended slots before it has counted what the one before it started",
    file: "controllers/runner-request/slots.ts",
    find: "if (!counted && slots.population > max)",
    replace: "if (!counted && max < 0)",
    profile: "crashes",
    breaks: ["maxRunners is never exceeded"],
  },
} as const satisfies Readonly<Record<string, Weakness>>;

export type WeaknessName = keyof typeof weaknesses;

/** weaknessNames lists them in the order of the table. */
export const weaknessNames = Object.keys(weaknesses) as WeaknessName[];

/** weakened is the source of a weakness' file without its protection. @throws when the file has changed since the table was written. */
export function weakened(name: WeaknessName, root: string): string {
  const { file, find, replace }: Weakness = weaknesses[name];
  const parts = readFileSync(join(root, "src", file), "utf8").split(find);
  if (parts.length !== 2) throw new Error(`weakness ${name}: src/${file} has its text ${parts.length - 1} times instead of once`);
  return parts.join(replace);
}

/** weaken is the esbuild plugin that builds the operator without one protection. */
export function weaken(name: WeaknessName, root: string): Plugin {
  const path = join(root, "src", weaknesses[name].file);
  return {
    name: `weaken ${name}`,
    setup(build) {
      const exactly = new RegExp(`${path.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$`);
      build.onLoad({ filter: exactly }, () => ({ contents: weakened(name, root), loader: "ts" }));
    },
  };
}
