import { createJit } from "../broker/jit.ts";
import { ApiError, notFound } from "../errors.ts";
import { defaultGroupId, hostedGroupId } from "./accounts.ts";
import { assign, unbind } from "./assignment.ts";
import type { RemovedBy, Runner, RunnerScope } from "./model.ts";
import type { World } from "./world.ts";

/** MintRunner is the body of generate-jitconfig. */
export interface MintRunner {
  readonly name: string;
  readonly runner_group_id: number;
  readonly labels: readonly string[];
  readonly work_folder?: string;
}

/** mintRunner creates the offline record at once and hands out its single-use configuration. */
export function mintRunner(world: World, scope: RunnerScope, body: MintRunner): Runner {
  if (body.name.length === 0 || body.name.length > 64 || /["/:<>\\|*?]/.test(body.name)) {
    throw new ApiError(422, 'Invalid name: 1 to 64 characters without any of " / : < > \\ | * ?');
  }
  if (body.labels.some((label) => label.trim() === "")) throw new ApiError(422, "Labels must not be blank");
  if (body.runner_group_id === hostedGroupId) throw new ApiError(403, "Runners cannot be registered in this group");
  const owner = scope.kind === "organization" ? scope.account : scope.repository.owner;
  const group = owner.groups.find((candidate) => candidate.id === body.runner_group_id);
  if (!group || (scope.kind === "repository" && group.id !== defaultGroupId)) throw notFound();
  if (nameTaken(world, scope, body.name))
    throw new ApiError(409, `Already exists - A runner with the name ${body.name} already exists.`);
  const now = world.now();
  const id = world.id();
  const jit = createJit({
    url: world.url,
    runnerId: id,
    name: body.name,
    groupId: group.id,
    groupName: group.name,
    workFolder: body.work_folder ?? "_work",
    expiresAt: now + world.settings.jitLifetimeMs,
  });
  const runner: Runner = {
    id,
    name: body.name,
    scope,
    group,
    labels: [...body.labels],
    jit,
    mintedAt: now,
    phase: "minted",
    busy: false,
    version: undefined,
    connectedAt: undefined,
    disconnectedAt: undefined,
    idleSince: undefined,
    busyUntil: undefined,
    job: undefined,
    removedAt: undefined,
    removedBy: undefined,
    connects: 0,
    ran: [],
    hasSession: false,
  };
  world.runners.set(runner.id, runner);
  world.secrets.add(jit.encoded);
  world.record("runner-minted", { runner });
  return runner;
}

/** runnersIn lists the runners of one scope, oldest first, as the API shows them. */
export function runnersIn(world: World, scope: RunnerScope): Runner[] {
  return [...world.runners.values()].filter((runner) => sameScope(runner.scope, scope)).sort((a, b) => a.id - b.id);
}

/** connectRunner brings a runner online; a configuration that was used or has expired does not work any more. */
export function connectRunner(world: World, runner: Runner, version = "2.336.0"): void {
  if (!isUsable(world, runner)) throw new ApiError(400, "invalid_client");
  if (runner.phase === "online") throw new ApiError(409, `The runner ${runner.name} already has an active session.`);
  runner.phase = "online";
  runner.version = version;
  runner.connects += 1;
  runner.connectedAt ??= world.now();
  runner.disconnectedAt = undefined;
  runner.idleSince = world.now();
  world.record("runner-online", { runner });
  assign(world);
}

/** isUsable tells whether a runner's registration still lets it in. */
export function isUsable(world: World, runner: Runner): boolean {
  if (runner.phase === "gone") return false;
  return runner.connects > 0 || world.now() < runner.jit.expiresAt;
}

/** disconnectRunner is the end of the process or its network. A job that it ran goes on being its job until the lock runs out. */
export function disconnectRunner(world: World, runner: Runner): void {
  if (runner.phase !== "online") return;
  runner.phase = "offline";
  runner.disconnectedAt = world.now();
  runner.idleSince = undefined;
  if (runner.job && runner.job.status === "queued") unbind(world, runner.job, "its runner went offline");
  if (runner.job) runner.busyUntil = world.now() + world.settings.busyLagMs;
  world.record("runner-offline", { runner, ...(runner.job && { job: runner.job }) });
  assign(world);
}

/** deleteRunner is GitHub's DELETE: refused while the runner is busy, or still counts as busy. */
export function deleteRunner(world: World, runner: Runner): void {
  if (runner.busy) throw new ApiError(422, `Runner "${runner.name}" is still running a job.`);
  removeRunner(world, runner, "api");
}

/** removeRunner takes the record out of the API and keeps it in the books. */
export function removeRunner(world: World, runner: Runner, by: RemovedBy): void {
  if (runner.phase === "gone") return;
  if (runner.job?.status === "queued") unbind(world, runner.job, "its runner was removed");
  runner.phase = "gone";
  runner.busy = false;
  runner.removedAt = world.now();
  runner.removedBy = by;
  world.runners.delete(runner.id);
  world.gone.push(runner);
  // Seen at GitHub after a runner's own end only; a deleted runner's name is free at once.
  if (by === "finished") world.reservedNames.set(nameKey(runner.scope, runner.name), world.now() + world.settings.nameReuseMs);
  world.record("runner-gone", { runner, detail: by });
  assign(world);
}

/** findRunner finds a live runner by id or name, or by the JIT configuration it was started with. */
export function findRunner(world: World, which: number | string): Runner | undefined {
  if (typeof which === "number") return world.runners.get(which);
  return [...world.runners.values()].find((runner) => runner.name === which || runner.jit.encoded === which);
}

function nameTaken(world: World, scope: RunnerScope, name: string): boolean {
  if (runnersIn(world, scope).some((runner) => runner.name.toLowerCase() === name.toLowerCase())) return true;
  const key = nameKey(scope, name);
  const until = world.reservedNames.get(key);
  if (until === undefined) return false;
  if (world.now() < until) return true;
  world.reservedNames.delete(key);
  return false;
}

function nameKey(scope: RunnerScope, name: string): string {
  const place = scope.kind === "organization" ? `org ${scope.account.id}` : `repo ${scope.repository.id}`;
  return `${place} ${name.toLowerCase()}`;
}

function sameScope(a: RunnerScope, b: RunnerScope): boolean {
  if (a.kind === "organization") return b.kind === "organization" && a.account === b.account;
  return b.kind === "repository" && a.repository === b.repository;
}
