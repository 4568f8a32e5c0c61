import type { Outcome } from "./faults.ts";
import { taskShape } from "./state/task-shape.ts";
import { type TaskStatus, taskStatuses } from "./state/task.ts";
import type { EcsSim } from "./sim.ts";

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Body = Readonly<Record<string, unknown>>;

/** controlHelp lists the control surface, as `GET /_sim` answers it. */
export const controlHelp = {
  "GET /_sim/report": "what happened so far: tasks, doubled ones, calls, violations",
  "GET /_sim/tasks": "every task that ECS still knows",
  "GET /_sim/calls": "the newest calls, values of environment variables left out",
  "GET /_sim/violations": "requests that real ECS would not have accepted",
  "POST /_sim/faults":
    '{"outcome": {"kind": "failures", "failures": [{"reason": "RESOURCE:CPU"}]}, "operation": "RunTask", "capacity": "FARGATE_SPOT", "times": 1}',
  "DELETE /_sim/faults": "ends all faults; hanging calls are cut off",
  "POST /_sim/capacity/NAME":
    '{"action": "refuse", "times": 3, "reason": "..."} or "hold", "release", or {"action": "limit", "maxLive": 2}',
  "POST /_sim/tasks/ID":
    '{"action": "move", "status": "RUNNING"}, "exit" with exitCode, "interrupt" with stopCode, "fail" with reason, "stop", "expire", "outOfMemory" or "failHost"',
  "POST /_sim/hide": '{"reads": 2}: so many reads of each new task miss it',
  "POST /_sim/throttle": '{"enabled": true}: AWS\' documented token buckets',
  "POST /_sim/clock": '{"advanceMs": 3600000}',
  "POST /_sim/reset": "back to an empty account",
} as const;

/** control answers a request of the control surface under /_sim. */
export async function control(sim: EcsSim, method: string, path: string, text: string): Promise<Answer> {
  const [, , what = "", ...rest] = path.split("/");
  try {
    const body = text === "" ? {} : (JSON.parse(text) as Body);
    if (method === "GET") {
      return read(sim, what);
    }
    return {
      status: 200,
      body: (await write(sim, `${method} ${what}`, rest.map(decodeURIComponent).join("/"), body)) ?? { ok: true },
    };
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error), help: controlHelp } };
  }
}

function read(sim: EcsSim, what: string): Answer {
  switch (what) {
    case "report":
      return { status: 200, body: sim.report() };
    case "tasks":
      return { status: 200, body: sim.tasks().map((task) => ({ ...taskShape(task, { tags: true }), overrides: undefined })) };
    case "calls":
      return { status: 200, body: sim.calls.list() };
    case "violations":
      return { status: 200, body: sim.violations };
    case "":
      return { status: 200, body: controlHelp };
    default:
      return { status: 404, body: { error: `there is no /_sim/${what}`, help: controlHelp } };
  }
}

async function write(sim: EcsSim, call: string, name: string, body: Body): Promise<unknown> {
  switch (call) {
    case "POST faults":
      return addFault(sim, body);
    case "DELETE faults":
      return sim.faults.clear();
    case "POST capacity":
      return setCapacity(sim, name, body);
    case "POST tasks":
      return changeTask(sim, name, body);
    case "POST hide":
      return sim.hideNewTasks(number(body, "reads"));
    case "POST throttle":
      sim.throttle.enabled = body["enabled"] === true;
      return undefined;
    case "POST clock":
      return sim.advanceClock(number(body, "advanceMs"));
    case "POST reset":
      return sim.reset();
    default:
      throw new Error(`there is no ${call.replace(" ", " /_sim/")}`);
  }
}

const outcomeKinds = ["failures", "exception", "cut", "hang", "html", "delay"];

function addFault(sim: EcsSim, body: Body): void {
  const outcome = body["outcome"] as Outcome | undefined;
  if (!outcomeKinds.includes(outcome?.kind ?? "") || outcome === undefined) {
    throw new Error(`outcome.kind must be one of ${outcomeKinds.join(", ")}`);
  }
  const operation = optional(body, "operation");
  const cluster = optional(body, "cluster");
  const capacity = optional(body, "capacity");
  sim.faults.add(outcome, {
    ...(operation === undefined ? {} : { operation }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(capacity === undefined ? {} : { capacity }),
    ...(body["times"] === undefined ? {} : { times: number(body, "times") }),
  });
}

function setCapacity(sim: EcsSim, name: string, body: Body): void {
  const reason = optional(body, "reason");
  switch (body["action"]) {
    case "refuse":
      return sim.capacity.refuse(name, {
        ...(body["times"] === undefined ? {} : { times: number(body, "times") }),
        ...(reason === undefined ? {} : { reason }),
      });
    case "limit":
      return sim.capacity.limit(name, number(body, "maxLive"));
    case "hold":
      return sim.capacity.hold(name);
    case "release":
      return sim.capacity.release(name);
    default:
      throw new Error("action must be refuse, limit, hold or release");
  }
}

function changeTask(sim: EcsSim, id: string, body: Body): void {
  const reason = optional(body, "reason");
  switch (body["action"]) {
    case "move":
      return sim.moveTo(id, status(body));
    case "exit":
      return sim.exit(id, { exitCode: number(body, "exitCode"), ...(reason === undefined ? {} : { reason }) });
    case "interrupt":
      return sim.interruptSpot(id, body["stopCode"] === "TerminationNotice" ? "TerminationNotice" : "SpotInterruption");
    case "fail":
      return sim.failToStart(id, reason ?? "CannotPullContainerError: pull image manifest has been retried 1 time(s)");
    case "stop":
      return sim.stop(id, reason);
    case "expire":
      return sim.expire(id);
    case "outOfMemory":
      return sim.outOfMemory(id);
    case "failHost":
      return sim.failHost(id);
    default:
      throw new Error("action must be move, exit, interrupt, fail, stop, expire, outOfMemory or failHost");
  }
}

function status(body: Body): TaskStatus {
  const found = taskStatuses.find((candidate) => candidate === body["status"]);
  if (found === undefined) {
    throw new Error(`status must be one of ${taskStatuses.join(", ")}`);
  }
  return found;
}

function number(body: Body, member: string): number {
  const value = body[member];
  if (typeof value !== "number") {
    throw new Error(`${member} must be a number`);
  }
  return value;
}

function optional(body: Body, member: string): string | undefined {
  const value = body[member];
  if (value !== undefined && typeof value !== "string") {
    throw new Error(`${member} must be a string`);
  }
  return value;
}
