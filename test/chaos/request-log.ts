import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../../src/kube/object.ts";
import type { Change } from "../../src/kube/store.ts";
import { goesBack } from "./goes-back.ts";

/** SeenRequest is who a RunnerRequest was made for. */
export interface SeenRequest {
  readonly name: string;
  readonly jobId: string;
  readonly repository: string;
  readonly target: string;
}

/** RequestLog keeps of all versions of all RunnerRequests what the verdict needs, also of those that are gone at the end. */
export class RequestLog {
  readonly backward: string[] = [];
  /** How many there were. */
  versions = 0;
  // Versions repeat nearly everything: their distinct strings are what there is to search, and few.
  readonly #texts = new Set<string>();
  readonly #seen = new Map<string, SeenRequest>();

  observe(change: Change<DeepReadonly<RunnerRequest>>): void {
    if (change.type === "delete") return;
    this.versions += 1;
    const { metadata, spec } = change.new;
    const { id: jobId, repository } = spec.job;
    this.#seen.set(metadata.uid ?? metadata.name, { name: metadata.name, jobId, repository, target: spec.targetRef.name });
    collectTexts(change.new, this.#texts);
    if (change.type === "update") this.backward.push(...goesBack(change.old, change.new));
  }

  get seen(): readonly SeenRequest[] {
    return [...this.#seen.values()];
  }

  /** Every string that stood in any version. */
  get text(): string {
    return [...this.#texts].join("\n");
  }
}

function collectTexts(value: unknown, into: Set<string>): void {
  if (typeof value === "string") into.add(value);
  else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      into.add(name);
      collectTexts(item, into);
    }
  }
}
