import { jobStates } from "../../src/api/v1alpha1/job-state.ts";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../../src/kube/object.ts";

type Request = DeepReadonly<RunnerRequest>;

/** goesBack says what a newer version of a request took back of an older one: states only move forward, and a runner has one job. */
export function goesBack(older: Request, newer: Request): string[] {
  // Another object under the same name, or a watch that was shown an old version by a restarted server: nobody wrote that.
  if (older.metadata.uid !== newer.metadata.uid || versionOf(newer) <= versionOf(older)) return [];
  const [before, after] = [older.status ?? {}, newer.status ?? {}];
  const found = [...jobGoesBack(before, after), ...runnerGoesBack(before, after), ...conditionsGoBack(before, after)];
  return found.map((what) => `${newer.metadata.name} v${newer.metadata.resourceVersion}: ${what}`);
}

type Status = NonNullable<Request["status"]>;

function jobGoesBack(before: Status, after: Status): string[] {
  const [older, newer] = [before.job?.state, after.job?.state];
  return isEarlier(newer, older) ? [`status.job.state from ${older} to ${newer}`] : [];
}

function runnerGoesBack({ attempt = 0, assignedJob: older }: Status, after: Status): string[] {
  const { attempt: now = 0, assignedJob: newer } = after;
  if (now < attempt) return [`status.attempt from ${attempt} to ${now}`];
  // Another attempt has another runner, which may have another job.
  if (older === undefined || now > attempt) return [];
  if (newer?.id !== older.id) return [`status.assignedJob.id from ${older.id} to ${newer?.id}`];
  return isEarlier(newer.state, older.state) ? [`status.assignedJob.state from ${older.state} to ${newer.state}`] : [];
}

function conditionsGoBack(before: Status, after: Status): string[] {
  return (before.conditions ?? []).flatMap(({ type, lastTransitionTime }) => {
    const now = (after.conditions ?? []).find((condition) => condition.type === type)?.lastTransitionTime;
    const goesOn = now !== undefined && Date.parse(now) >= Date.parse(lastTransitionTime);
    return goesOn ? [] : [`condition ${type} from ${lastTransitionTime} to ${now}`];
  });
}

type State = (typeof jobStates)[number];

/** A state that is gone is earlier than any. */
function isEarlier(state: State | undefined, than: State | undefined): boolean {
  const place = (one: State | undefined): number => (one === undefined ? -1 : jobStates.indexOf(one));
  return place(state) < place(than);
}

/** Versions are opaque to clients, but a real API server's are numbers that grow, and this one is real. */
function versionOf({ metadata }: Request): number {
  return Number(metadata.resourceVersion ?? 0);
}
