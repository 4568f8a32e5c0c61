import type { ContainerRecord, TaskRecord, TaskStatus } from "./task.ts";

/** isRunning tells whether a container's process exists. */
export function isRunning(container: ContainerRecord): boolean {
  return container.status === "RUNNING";
}

/** nextStatus is the state that follows, or undefined while a task waits for its containers. */
export function nextStatus(task: TaskRecord): TaskStatus | undefined {
  const stopping = task.desiredStatus === "STOPPED";
  switch (task.lastStatus) {
    case "PROVISIONING":
      return stopping ? "DEPROVISIONING" : "PENDING";
    case "PENDING":
      return stopping ? "DEPROVISIONING" : "ACTIVATING";
    case "ACTIVATING":
      return stopping ? "DEPROVISIONING" : "RUNNING";
    case "RUNNING":
      return stopping ? "DEACTIVATING" : undefined;
    case "DEACTIVATING":
      return "STOPPING";
    case "STOPPING":
      return task.containers.some(isRunning) ? undefined : "DEPROVISIONING";
    case "DEPROVISIONING":
      return "STOPPED";
    case "STOPPED":
      return undefined;
    default:
      return task.lastStatus satisfies never;
  }
}
