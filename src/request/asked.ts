import type { Overrides } from "../api/v1alpha1/overrides.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../kube/object.ts";
import { parseLabels } from "../overrides/parse.ts";

/** Asked is what a request's job chose of its runner. */
export interface Asked {
  readonly overrides: Overrides;
  /** The labels that say so, in small letters: the runner registers them, so that GitHub gives it the job. */
  readonly labels: readonly string[];
  readonly problems: readonly string[];
}

const nothing: Asked = { overrides: {}, labels: [], problems: [] };

/** askedOf is what the job of a request chose: spec.overrides, which people may write without any label, or else what the labels say. */
export function askedOf({ spec }: DeepReadonly<RunnerRequest>): Asked {
  const { labels, overrides, problems } = parseLabels(spec.job.labels);
  if (labels.length === 0 && spec.overrides === undefined) return nothing;
  return { overrides: spec.overrides ?? overrides, labels, problems };
}
