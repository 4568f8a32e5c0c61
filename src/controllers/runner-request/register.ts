import { isTrue } from "../../kube/conditions.ts";
import { observe } from "../../request/status.ts";
import { isoTime } from "../../util/clock.ts";
import type { Pass } from "./pass.ts";
import type { RegistrationWatcher } from "./registrations.ts";
import { scopeOf } from "./world.ts";

/**
 * register notices that GitHub knows the runner as online. Usually the event of the job that it took says so first; until then the
 * runners of the scope are listed once a minute.
 */
export function register(pass: Pass, registrations: RegistrationWatcher): void {
  const { status, nowMs, key } = pass;
  const runner = status.runner;
  if (runner === undefined || !isTrue(status.conditions, "Launched")) return;
  const scope = scopeOf(runner.scope);
  if (isTrue(status.conditions, "Registered")) return;
  const seen = registrations.latest(runner.githubAppRef, scope, runner.name);
  if (seen === undefined || seen === "absent" || seen.status === "offline") {
    registrations.want(runner.githubAppRef, scope, runner.name, key);
    return;
  }
  runner.id = seen.id;
  status.timings.registeredAt ??= isoTime(nowMs);
  observe(status, "Registered", "True", "Online", `GitHub lists ${runner.name} as online`, nowMs);
}
