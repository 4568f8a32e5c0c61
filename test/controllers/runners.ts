import { expect } from "vitest";
import { runnerFinalizer } from "../../src/api/v1alpha1/names.ts";
import { getCondition } from "../../src/kube/conditions.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import type { Harness } from "./harness.ts";

/** Started is a request with an online runner. */
export interface Started {
  readonly name: string;
  readonly id: string;
  readonly jobId: number;
}

/** idleRunner makes a request whose runner is online and has no job. */
export async function idleRunner(harness: Harness): Promise<Started> {
  harness.github.holdAssignments();
  const job = harness.queueJob();
  const name = harness.nameOf(job);
  const id = await harness.startRunner(name);
  return { name, id, jobId: job.id };
}

/**
 * untilSeenOnline waits until the list of the scope's runners showed a request's runner as online. The list's grace runs from the pass
 * that asked for it, which may come after any one step of the clock: so the clock moves on in steps, short beside the idle time.
 */
export async function untilSeenOnline(harness: Harness, name: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await harness.pass(10_000);
        return getCondition((await harness.get(name)).status?.conditions, "Registered")?.status;
      },
      { timeout: 20_000, interval: 1_000 },
    )
    .toBe("True");
}

/** busyRunner makes a request whose runner runs its job. */
export async function busyRunner(harness: Harness): Promise<Started> {
  const job = harness.queueJob();
  const name = harness.nameOf(job);
  const id = await harness.startRunner(name);
  await harness.untilReason(name, "JobInProgress");
  return { name, id, jobId: job.id };
}

/** isClean tells whether nothing of a request is left outside. */
export function isClean(request: { readonly metadata: { readonly finalizers?: readonly string[] } }): boolean {
  return !request.metadata.finalizers?.includes(runnerFinalizer);
}

/** stateOf is the state of an instance at the provider. */
export function stateOf(harness: Harness, id: string): string | undefined {
  return harness.provider.all().find((instance) => instance.id === id)?.state;
}

/** vanish takes a request away with its finalizer, as a restored etcd or a person in a hurry does, and waits until the operator knows. */
export async function vanish(cluster: TestCluster, harness: Harness, name: string): Promise<void> {
  const { namespace } = harness;
  await cluster.patch("rr", name, namespace, { metadata: { finalizers: null } });
  await cluster.kubectl(["delete", "rr", name, "-n", namespace, "--ignore-not-found"]);
  await expect.poll(() => harness.stores.requests.informer.store.get({ namespace, name })).toBeUndefined();
}

/** untilGone moves the clock in steps until an object is not found any more. */
export async function untilGone(
  cluster: TestCluster,
  harness: Harness,
  object: readonly string[],
  stepMs: number,
  options: { readonly timeout?: number; readonly interval?: number } = {},
): Promise<void> {
  await expect
    .poll(async () => {
      await harness.pass(stepMs);
      return (await cluster.tryKubectl(["get", ...object])).stderr;
    }, options)
    .toContain("NotFound");
}

/** untilRequestGone is the same for a request, and waits until the operator knows it as well. */
export async function untilRequestGone(
  cluster: TestCluster,
  harness: Harness,
  name: string,
  stepMs: number,
  options: { readonly timeout?: number; readonly interval?: number } = {},
): Promise<void> {
  const { namespace } = harness;
  await untilGone(cluster, harness, ["rr", name, "-n", namespace], stepMs, options);
  await expect.poll(() => harness.stores.requests.informer.store.get({ namespace, name })).toBeUndefined();
}
