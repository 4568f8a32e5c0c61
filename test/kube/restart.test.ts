import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControlPlane } from "../cluster/control-plane.ts";
import { Client } from "../../src/kube/client.ts";
import { Informer } from "../../src/kube/informer.ts";
import { LeaseElector } from "../../src/kube/lease.ts";
import { leases } from "../../src/kube/resource.ts";
import { kubectlOf } from "../support/kubectl.ts";
import { ownControlPlane } from "../support/test-cluster.ts";
import { connect, installWidgetsWith, keyIn, runInBackground, type Widget, widget } from "./widgets.ts";

// What a proxy can only imitate: an API server that goes away and comes back, or that freezes.
describe("an API server that stops", () => {
  let controlPlane: ControlPlane;

  beforeAll(async () => {
    controlPlane = await ownControlPlane();
    await installWidgetsWith(kubectlOf(controlPlane));
  });
  afterAll(async () => {
    await controlPlane.stop();
  });

  const until = { timeout: 20_000, interval: 100 } as const;

  it("is followed again after its restart, with every change in between", async () => {
    const { widgets, log, metrics, captured } = connect(controlPlane.kubeconfig);
    const informer = new Informer<Widget>({ client: widgets, log, metrics, namespace: "default" });
    runInBackground(informer);
    await informer.synced;
    await widgets.create(widget("default", "before"));
    await expect.poll(() => informer.store.size).toBe(1);
    await controlPlane.restartApiServer();
    // The first answers of a restarted server are 403 for everybody.
    await expect
      .poll(
        () =>
          widgets.create(widget("default", "after")).then(
            () => true,
            () => false,
          ),
        until,
      )
      .toBe(true);
    await expect
      .poll(() => [...informer.store.list()].map(({ metadata }) => metadata.name).toSorted(), until)
      .toEqual(["after", "before"]);
    await widgets.delete(keyIn("default", "before"));
    await expect.poll(() => informer.store.size, until).toBe(1);
    expect(captured.text).not.toMatch(/"level":"error"/);
  });

  it("loses a leader when it freezes, and answers calls with Unavailable", async () => {
    const { cluster, widgets, log, metrics } = connect(controlPlane.kubeconfig);
    const elector = new LeaseElector({
      client: new Client(cluster, leases),
      key: keyIn("default", "frozen"),
      identity: "leader",
      log,
      metrics,
      leaseDurationMs: 3_000,
      renewDeadlineMs: 2_000,
      retryPeriodMs: 200,
    });
    await elector.acquire(new AbortController().signal);
    controlPlane.pauseApiServer();
    try {
      const failure = widgets.get(keyIn("default", "any"), { timeoutMs: 500 }).catch((error: unknown) => error);
      expect((await elector.lost).message).toContain("could not be renewed in time");
      expect(await failure).toMatchObject({ reason: "Unavailable" });
    } finally {
      controlPlane.resumeApiServer();
    }
    await expect
      .poll(
        () =>
          widgets.list({ namespace: "default" }).then(
            () => true,
            () => false,
          ),
        until,
      )
      .toBe(true);
  });
});
