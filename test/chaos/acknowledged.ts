import { isCovered, type TargetName } from "./layout.ts";
import type { ScriptJob } from "./script.ts";
import type { Stage } from "./stage.ts";

/** Each look is a read of the API server beside the operators' own. */
const lookAtEvery = 5;
/** A delivery may take 3 s and was decided somewhere in between, by an operator whose watch may have been cut for some time. */
const deliveryMs = 10_000;

/** Answers are how many were looked at, and what was wrong with some. */
export interface Answers {
  looks: number;
  readonly wrong: string[];
}

/** Acknowledged is an answer of 2xx to the event that a covered job is queued. */
export interface Acknowledged {
  readonly jobId: number;
  readonly target: TargetName;
  readonly at: number;
}

/** isAcknowledged reads an entry of GitHub's journal: the event, and what it was answered with. */
export function isAcknowledged(detail: string | undefined): boolean {
  return /^workflow_job queued \S+ 2\d\d$/.test(detail ?? "");
}

/** unstored says what is wrong with an answer, once the API server was asked whether the request is there. */
export function unstored(
  { jobId, target, at }: Acknowledged,
  isStored: boolean,
  excuses: { readonly wasDeleted: (request: string) => boolean; readonly wasAway: (target: string, from: number) => boolean },
): string | undefined {
  // While its target is away nobody covers the job, and a person may take what was stored.
  if (isStored || excuses.wasDeleted(`job-${jobId}`) || excuses.wasAway(target, at - deliveryMs)) return undefined;
  return `the event of job ${jobId} was answered with 2xx, and there was no request for it`;
}

/**
 * checkAnswers looks, for a part of the acknowledged events, whether their request is stored at that moment; the sweeps would make it
 * later, so nothing else would show that an answer was given too early. Returns how to wait for the last looks.
 */
export function checkAnswers(stage: Stage, jobs: ReadonlyMap<number, ScriptJob>): () => Promise<void> {
  const { github, api, harm, journal } = stage;
  const looks = new Set<Promise<void>>();
  let answers = 0;
  const look = async (answer: Acknowledged): Promise<void> => {
    const isStored = await api.exists("runnerrequests", `job-${answer.jobId}`);
    const wrong = unstored(answer, isStored, harm);
    stage.answers.looks += 1;
    if (wrong !== undefined) stage.answers.wrong.push(wrong);
  };
  const unlisten = github.listen(({ kind, job, detail }) => {
    if (kind !== "webhook-sent" || job === undefined || !isAcknowledged(detail)) return;
    const target = jobs.get(job.key)?.coverage;
    if (target === undefined || !isCovered(target) || answers++ % lookAtEvery !== 0) return;
    const looking = look({ jobId: job.id, target, at: Date.now() })
      .catch((error: unknown) => journal.note("harness", `no look at the request of job ${job.id}: ${String(error)}`))
      .finally(() => looks.delete(looking));
    looks.add(looking);
  });
  return async () => {
    unlisten();
    await Promise.all(looks);
  };
}
