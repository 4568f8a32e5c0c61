import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { AttemptReason, RunnerVersionReason } from "../../api/v1alpha1/reasons.ts";
import type { RunnerTargetStatus } from "../../api/v1alpha1/runner-target.ts";
import { compareRunnerVersions, oldestRunnerVersion, runnerUpdateMs } from "../../github/runner-version.ts";
import { type Condition, isTrue } from "../../kube/conditions.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { isoTime } from "../../util/clock.ts";

/** VersionStatus is what the target's status keeps of its runners' version. */
export type VersionStatus = NonNullable<RunnerTargetStatus["runnerVersion"]>;

/** Sighting is what GitHub's lists said of those of a target's runners that were online with one version. */
export interface Sighting {
  readonly version: string;
  /** When the last launched of them was launched. */
  readonly launchedMs: number;
}

/** VersionNews is what was learnt since the status was written; all of it may be missing. */
export interface VersionNews {
  /** One for each version. */
  readonly seen: readonly Sighting[];
  /** The release that GitHub offers. */
  readonly offered: string | undefined;
  /** When a runner of the target last ended because its version was refused. */
  readonly refusedMs: number | undefined;
  /** When the runner was launched that registered and was launched last, from the requests: jobs may be too short for any list to show it. */
  readonly registeredMs?: number | undefined;
}

/** VersionVerdict is the condition RunnerVersion before its time is set. */
export interface VersionVerdict {
  readonly status: Condition["status"];
  readonly reason: RunnerVersionReason;
  readonly message: string;
  /** When GitHub stops giving jobs to the runners, at the latest; while a release is missing. */
  readonly deadlineMs?: number;
}

const maxReleases = 10;
/** How many of them may be newer than what is offered. */
const maxDropped = 3;

/** follow brings what is known of the runners' version up to date; undefined while nothing is. It forgets nothing that days are counted by. */
export function follow(
  before: DeepReadonly<VersionStatus> | undefined,
  { seen, offered, refusedMs, registeredMs }: VersionNews,
  nowMs: number,
): VersionStatus | undefined {
  const refused = latest(refusedMs, timeOf(before?.refusedAt));
  // A runner that was launched after the refusal and came online was made of another image, or GitHub has changed its mind.
  const proof = seen.map(({ launchedMs }) => launchedMs).reduce(latest, registeredMs);
  const settles = refused !== undefined && proof !== undefined && proof > refused ? proof : undefined;
  const acceptedBefore = timeOf(before?.acceptedAt);
  const wasRefused = refused !== undefined && refused > (acceptedBefore ?? 0);
  const accepted = wasRefused ? (settles ?? acceptedBefore) : acceptedBefore;
  // Once that is settled, the runners from before it tell nothing: neither those that still work, nor what was known then.
  const settledMs = refused !== undefined && accepted !== undefined && accepted > refused ? refused : undefined;
  const counting = seen.filter(({ launchedMs }) => settledMs === undefined || launchedMs > settledMs);
  const oldest = counting.map(({ version }) => version).toSorted(compareRunnerVersions)[0];
  const connected = oldest ?? (wasRefused && settles !== undefined ? undefined : before?.connected);
  const offers = offered ?? offeredBy(before);
  const releases = followReleases(before?.releases ?? [], offers, nowMs);
  const after: VersionStatus = {
    ...(connected !== undefined && { connected }),
    ...(offers !== undefined && { offered: offers }),
    ...(releases.length > 0 && { releases }),
    ...(refused !== undefined && { refusedAt: isoTime(refused) }),
    ...(accepted !== undefined && { acceptedAt: isoTime(accepted) }),
  };
  // Nothing is told of a target that never had a runner, whatever GitHub offers.
  return connected === undefined && refused === undefined ? undefined : after;
}

/** All that were offered, not only those that the runners lack: one runner of an older image may still come, and its days count from there. */
function followReleases(
  known: DeepReadonly<NonNullable<VersionStatus["releases"]>>,
  offered: string | undefined,
  nowMs: number,
): NonNullable<VersionStatus["releases"]> {
  if (offered === undefined) return [];
  const isNew = known.every(({ version }) => version !== offered);
  const all = [...known, ...(isNew ? [{ version: offered, seenAt: isoTime(nowMs) }] : [])].toSorted((a, b) =>
    compareRunnerVersions(a.version, b.version),
  );
  // GitHub's answer may lack a release on one day and have it on the next: its days go on then.
  const dropped = all.filter(({ version }) => compareRunnerVersions(version, offered) > 0).slice(0, maxDropped);
  const missable = all.filter(({ version }) => compareRunnerVersions(version, offered) <= 0);
  // With more than that missing, the oldest of those that stay is long past its days as well.
  return [...missable.slice(-(maxReleases - dropped.length)), ...dropped].map((each) => ({ ...each }));
}

/** A status of before it was kept has no release that was taken back. */
function offeredBy(status: DeepReadonly<VersionStatus> | undefined): string | undefined {
  return status?.offered ?? status?.releases?.at(-1)?.version;
}

/** judgeVersion says what is to be said of a target's runners; undefined where nothing is known of them. */
export function judgeVersion(status: DeepReadonly<VersionStatus> | undefined, nowMs: number): VersionVerdict | undefined {
  if (status === undefined) return undefined;
  const { connected } = status;
  const newest = offeredBy(status);
  const offers = newest === undefined ? "" : `; GitHub offers ${newest} now`;
  const refusedMs = timeOf(status.refusedAt);
  if (refusedMs !== undefined && refusedMs > (timeOf(status.acceptedAt) ?? 0)) {
    const had = connected === undefined ? "" : ` (${connected} was the last to connect)`;
    return no(
      "Refused",
      `two runners in a row ended with code 7, which the runner uses when GitHub accepts its version no longer, last at ${status.refusedAt}${had}${offers}. ${rebuild}`,
    );
  }
  if (connected === undefined) {
    if (refusedMs === undefined) return undefined;
    return {
      status: "True",
      reason: "Current",
      message: `runners register again since ${status.acceptedAt}; none of GitHub's lists has shown their version yet${offers}`,
    };
  }
  if (newest === undefined) {
    return {
      status: "Unknown",
      reason: "NotCompared",
      message: `runners connect with ${connected}; GitHub has not said yet what it offers`,
    };
  }
  // An Enterprise Server comes with a runner of its own time, and takes that one.
  const enforced = compareRunnerVersions(newest, oldestRunnerVersion) >= 0;
  if (enforced && compareRunnerVersions(connected, oldestRunnerVersion) < 0) {
    return no(
      "Refused",
      `runners connect with ${connected}, and GitHub registers none older than ${oldestRunnerVersion}${offers}. ${rebuild}`,
    );
  }
  const missed = status.releases?.find(
    ({ version }) => compareRunnerVersions(version, connected) > 0 && compareRunnerVersions(version, newest) <= 0,
  );
  if (missed === undefined)
    return { status: "True", reason: "Current", message: `runners connect with ${connected}, and GitHub offers no newer one` };
  const deadlineMs = Date.parse(missed.seenAt) + runnerUpdateMs;
  const day = isoTime(deadlineMs).slice(0, 10);
  const until =
    nowMs < deadlineMs
      ? `It gives them no more jobs from ${day} on, or sooner: ${missed.version} was first seen on ${missed.seenAt.slice(0, 10)}`
      : `Since ${day} it may give them no jobs: they lack ${missed.version}`;
  return {
    ...no("Outdated", `runners connect with ${connected}, and GitHub offers ${newest}. ${until}. ${rebuild}`),
    deadlineMs,
  };
}

const rebuild = "Build the image with the newest runner, and name it in the class";

/**
 * newsOf is what a target's requests tell of its runners' version, in one look at them: a target may have thousands.
 *
 * A refusal takes two in a row that ended so, with no runner in between that registered: 7 is also how curl ends that cannot connect, in a
 * start script of somebody's own.
 */
export function newsOf(requests: Iterable<DeepReadonly<RunnerRequest>>): Pick<VersionNews, "refusedMs" | "registeredMs"> {
  let registeredMs: number | undefined;
  let [last, lastButOne]: [number | undefined, number | undefined] = [undefined, undefined];
  for (const { status } of requests) {
    if (isTrue(status?.conditions, "Registered")) registeredMs = latest(registeredMs, timeOf(status?.timings?.launchedAt));
    for (const { reason, endedAt } of status?.attempts ?? []) {
      if (reason !== ("RunnerVersionRefused" satisfies AttemptReason)) continue;
      const ms = timeOf(endedAt);
      if (ms === undefined) continue;
      if (last === undefined || ms > last) [last, lastButOne] = [ms, last];
      else lastButOne = latest(lastButOne, ms);
    }
  }
  const refused = lastButOne !== undefined && lastButOne > (registeredMs ?? 0);
  return { refusedMs: refused ? last : undefined, registeredMs };
}

function no(reason: RunnerVersionReason, message: string): VersionVerdict {
  return { status: "False", reason, message };
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}
