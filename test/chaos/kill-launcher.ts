import type { TaskRecord } from "../sim/ecs/state/task.ts";
import type { Stage } from "./stage.ts";

/**
 * killLauncher kills whoever makes the first new task that is `it`, before the answer to its RunTask is sent: nobody has stored that the
 * task is there. The operator is started again after some time. It looks until it has killed one, or the answer is called.
 */
export function killLauncher(
  { fleet, ecs, undos, journal }: Stage,
  isIt: (task: TaskRecord) => boolean,
  forMs: number,
): () => void {
  const seen = new Set(ecs.ledger.launched());
  const unlisten = ecs.onChange((task) => {
    if (seen.has(task)) return;
    seen.add(task);
    if (!isIt(task)) return;
    const operator = fleet.withAccessKey(ecs.calls.list("RunTask").at(-1)?.accessKeyId ?? "");
    if (operator === undefined || operator.isDown || operator.process === undefined) {
      journal.note("harness", `nobody was there to be killed for task ${task.id} (${task.group})`);
      return;
    }
    unlisten();
    journal.note("fault", `operator ${operator.name} is killed while it launches task ${task.id} (${task.group})`);
    void operator.end("SIGKILL");
    undos.after(forMs, `operator ${operator.name} is started again`, () => operator.start());
  });
  return unlisten;
}
