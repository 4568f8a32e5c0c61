import type { Stage } from "./stage.ts";
import { burst } from "./scenarios/burst.ts";
import { cancel } from "./scenarios/cancel.ts";
import { double } from "./scenarios/double.ts";
import { floor } from "./scenarios/floor.ts";
import { kill } from "./scenarios/kill.ts";
import { launcher } from "./scenarios/launcher.ts";
import { memory } from "./scenarios/memory.ts";
import { one } from "./scenarios/one.ts";
import { restart } from "./scenarios/restart.ts";
import { scale } from "./scenarios/scale.ts";
import { steady } from "./scenarios/steady.ts";

/** Figures are what one run measured: a name with its unit, and a number. */
export type Figures = Readonly<Record<string, number>>;

/** Outcome is what a run came to. */
export interface Outcome {
  readonly figures: Figures;
  /** Counts that are not as they have to be: a run with any fails. */
  readonly broken: readonly string[];
}

/** Scenario is one way to use the operator. */
export interface Scenario {
  readonly about: string;
  readonly teams: number;
  readonly taskStartMs?: number;
  readonly play: (stage: Stage, say: (line: string) => void) => Promise<Outcome>;
}

/**
 * How long a task takes to start in the bursts whose launches are timed. Fargate takes 20 to 60 s (seen by many, promised by nobody), so
 * that no job of a real burst begins before the last one is launched; with tasks that start at once (churn1000) its events and its
 * end are worked on beside the launches, on the same two cores.
 */
const taskStartMs = 10_000;

/** scenarios by the names of the command line. */
export const scenarios = {
  floor: { about: "webhooks against bare writes at the API server, in turns", teams: 1, play: floor },
  launcher: { about: "1,000 jobs at once to a process that only mints and launches", teams: 10, taskStartMs, play: launcher },
  one: { about: "one job at a time on an idle system", teams: 1, play: one },
  burst100: { about: "100 jobs at once", teams: 2, taskStartMs, play: (stage) => burst(stage, 100) },
  burst1000: { about: "1,000 jobs at once", teams: 10, taskStartMs, play: (stage) => burst(stage, 1_000) },
  churn1000: {
    about: "1,000 jobs at once that begin and end while others are launched",
    teams: 10,
    play: (stage) => burst(stage, 1_000),
  },
  double: { about: "every webhook three times, to two operators", teams: 4, play: double },
  cancel: { about: "half of the jobs are cancelled at once", teams: 4, play: cancel },
  kill: { about: "the operator is killed in the middle of a burst", teams: 4, play: kill },
  steady: { about: "10 jobs a second for a minute", teams: 8, play: steady },
  scale10k: { about: "the same jobs beside 100 and beside 10,000 live requests", teams: 4, play: scale },
  restart10k: { about: "a new leader with 10,000 live requests", teams: 2, play: restart },
  memory: { about: "a day of load in minutes", teams: 8, play: memory },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;
export const scenarioNames = Object.keys(scenarios) as ScenarioName[];
