import { resolveClass } from "../controllers/runner-class/controller.ts";
import { FeedMetrics } from "../controllers/runner-request/feed-metrics.ts";
import { Feeds } from "../controllers/runner-request/feeds.ts";
import { requestPeriods } from "../controllers/runner-request/periods.ts";
import type { World } from "../controllers/runner-request/world.ts";
import type { Controller } from "../kube/controller.ts";
import { specChanged } from "../kube/store.ts";
import { scaled } from "../util/periods.ts";
import type { ControllersOptions } from "./controllers.ts";
import type { RequestParts } from "./request-parts.ts";

/** createFeeds builds what reads the feeds of all classes, and has it follow the classes; `readiness` says what is wrong with a feed. */
export function createFeeds(options: ControllersOptions, world: World, parts: RequestParts, readiness: Controller): Feeds {
  const { informer } = options.stores.classes;
  const feeds = new Feeds({
    classes: () => [...informer.store.list()].map(resolveClass),
    provider: world.provider,
    instances: parts.instances,
    health: parts.feedHealth,
    metrics: new FeedMetrics(options.registry),
    recheck: (cls) => readiness.enqueue({ namespace: cls.namespace, name: cls.name }),
    deaf: (key, { address }) => {
      const cls = informer.store.get(key);
      if (cls === undefined) return;
      const note = `tasks changed and no event told of it, so they are read by polling: check that an enabled EventBridge rule sends the task state changes of cluster ${cls.spec.cluster} to ${address}, and that the queue's policy lets it`;
      options.recorder.event(cls, { type: "Warning", reason: "EventsMissing", action: "Observe", note });
    },
    clock: options.clock,
    periods: scaled(requestPeriods, options.timeDivisor),
    log: options.log.child({ component: "feeds" }),
  });
  informer.onChange((change) => {
    if (specChanged(change)) feeds.soon();
  });
  return feeds;
}
