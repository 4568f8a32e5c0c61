import { expect, it, onTestFinished } from "vitest";
import { gitHubApp } from "../../src/intake/test-objects.ts";
import { isoTime } from "../../src/util/clock.ts";
import { startGitHubSim } from "../sim/github/sim.ts";
import { testCluster } from "../support/test-cluster.ts";
import { createReadyApp, newSweepWorld } from "./sweep-world.ts";

const cluster = testCluster();
const never = new AbortController().signal;
const minute = 60_000;
const job = { repository: "acme/web", labels: ["self-hosted", "ecs"] };

it("an App object with the same id and a server of its own, which takes every key, changes nothing for the App's other objects", async () => {
  const { sim, clock, leader, requestNames, stores, namespace, app } = await newSweepWorld(cluster, {
    target: { scope: { repository: "acme/web" } },
  });
  const evil = await startGitHubSim({ clock, tickMs: 0 });
  onTestFinished(async () => await evil.close());
  evil.addRepository("acme/web", { private: true });
  evil.install("acme");
  expect(evil.app.id).toBe(sim.app.id);
  const forged = gitHubApp({ apiUrl: evil.url, appId: evil.app.id }, { namespace, name: "a-forged" });
  const ready = await createReadyApp(stores, forged, clock);
  // Its mark says that nothing is left to be done.
  const status = { ...ready.status, redelivery: { checkedThrough: isoTime(clock.now()) } };
  await stores.apps.client.patchStatus(ready, status);
  const { sweeps, webhookUrl, log } = await leader({ simOf: ({ name }) => (name === "a-forged" ? evil : sim) });

  sim.setReceivers([webhookUrl]);
  sim.webhooks.addFault({ kind: "fail" });
  const lost = sim.queueJob(job);
  await sim.webhooks.settled();
  // Ids are counted: these are of jobs that the App never had.
  for (let index = 0; index < 3; index += 1) evil.queueJob(job);
  // It has heard of the event, and says that it was refused again and again.
  const nothing = { throttledAt: undefined, url: "", requestHeaders: {}, durationMs: 0, responseHeaders: {}, responseBody: "" };
  const about = { installationId: undefined, repositoryId: undefined, repository: undefined, job: undefined };
  const guid = sim.webhooks.log.list()[0]?.event.guid ?? "";
  for (const redelivery of [false, true, true]) {
    const event = { guid, name: "workflow_job", action: "queued", app: evil.app, body: "{}", ...about };
    evil.webhooks.log.add({ event, status: "no", statusCode: 404, redelivery, deliveredAt: clock.now(), ...nothing });
  }
  clock.advance(5 * minute);
  await sweeps.redelivery.sweep(never);
  await sim.webhooks.settled();
  await sweeps.queuedJobs.sweep(never);
  await sweeps.refresh.sweep(never);
  expect(await requestNames()).toEqual([`job-${lost.id}`]);
  expect(log.lines("gave up a delivery")).toHaveLength(1);
  expect((await app()).status?.redelivery?.checkedThrough).toBeDefined();
});
