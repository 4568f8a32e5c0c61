import type { TaskRecord } from "../../sim/ecs/state/task.ts";
import type { Prank } from "../pranks.ts";
import type { Stage } from "../stage.ts";
import type { Apply } from "./apply.ts";

const starting: readonly string[] = ["PROVISIONING", "PENDING", "ACTIVATING"];

const prank =
  (of: (forMs: number) => Prank): Apply =>
  ({ pranks }, { times, forMs }) => {
    for (let index = 0; index < times; index++) pranks.push(of(forMs));
    return `the next ${times} runners`;
  };

/** Does something to one of the tasks that fit, and remembers that whatever happens to its job is the script's doing. */
const toTask =
  (fits: (stage: Stage, task: TaskRecord) => boolean, act: (stage: Stage, task: TaskRecord) => void): Apply =>
  (stage, { kind, pick }) => {
    const tasks = stage.ecs.liveTasks().filter((task) => task.desiredStatus === "RUNNING" && fits(stage, task));
    const task = tasks[pick % Math.max(1, tasks.length)];
    if (task === undefined) return undefined;
    stage.harm.task(task.id, kind);
    act(stage, task);
    return `task ${task.id} (${task.group})`;
  };

const isBusy = ({ github }: Stage, task: TaskRecord): boolean =>
  github.registrations().some((runner) => runner.name === task.group && runner.job?.status === "in_progress");

/** ecsFaults happen to calls of ECS, to tasks, and to what runs in them. */
export const ecsFaults = {
  "ecs-failures": ({ ecs }, { times }) => {
    ecs.capacity.refuse("FARGATE_SPOT", { times });
    return `the next ${times} launches on Spot`;
  },
  "ecs-no-capacity": ({ ecs, undos }, { forMs }) => {
    for (const capacity of ["FARGATE_SPOT", "FARGATE"]) ecs.capacity.refuse(capacity);
    undos.after(forMs, "ecs-no-capacity", () => ecs.capacity.release());
    return `for ${forMs} ms`;
  },
  "ecs-throttle": ({ ecs }, { times }) => {
    ecs.faults.throttle(times);
    return `the next ${times} RunTask`;
  },
  "ecs-throttle-reads": ({ ecs }, { times }) => {
    ecs.faults.throttle(times, { operation: "DescribeTasks" });
    ecs.faults.throttle(times, { operation: "StopTask" });
    return `the next ${times} DescribeTasks and StopTask`;
  },
  "ecs-cut": ({ ecs }, { times }) => {
    ecs.faults.add({ kind: "cut", accepted: true }, { times });
    return `the next ${times} RunTask`;
  },
  "ecs-hang": ({ ecs, undos }, { forMs }) => {
    const hanging = ecs.faults.add({ kind: "hang", accepted: true });
    undos.after(forMs, "ecs-hang", () => hanging.abandon());
    return `the next RunTask, for ${forMs} ms`;
  },
  "ecs-5xx": ({ ecs }, { times }) => {
    ecs.faults.add({ kind: "html", status: 503 }, { times });
    return `the next ${times} RunTask`;
  },
  "ecs-hide": ({ ecs, undos }, { forMs }) => {
    ecs.hideNewTasks(2);
    undos.after(forMs, "ecs-hide", () => ecs.hideNewTasks(0));
    return `for ${forMs} ms`;
  },
  "ecs-spot-early": toTask(
    (stage, task) => task.capacity === "FARGATE_SPOT" && !isBusy(stage, task),
    ({ ecs }, task) => ecs.interruptSpot(task.id),
  ),
  "ecs-spot-busy": toTask(
    (stage, task) => task.capacity === "FARGATE_SPOT" && isBusy(stage, task),
    ({ ecs }, task) => ecs.interruptSpot(task.id, "TerminationNotice"),
  ),
  "ecs-host-failure": toTask(
    (_, task) => task.lastStatus === "RUNNING",
    ({ ecs }, task) => ecs.failHost(task.id),
  ),
  "ecs-start-failure": toTask(
    (_, task) => starting.includes(task.lastStatus),
    ({ ecs }, task) => ecs.failToStart(task.id, "CannotPullContainerError: the registry is away"),
  ),
  "ecs-exit-zero": prank(() => ({ does: "exit", code: 0 })),
  "ecs-exit-deprecated": prank(() => ({ does: "exit", code: 7 })),
  "ecs-never-registers": prank(() => ({ does: "sulk" })),
  "ecs-vanish": prank((afterMs) => ({ does: "vanish", afterMs })),
} as const satisfies Partial<Record<string, Apply>>;
