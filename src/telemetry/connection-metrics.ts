import { type ConnectionWatch, type DropReason, dropReasons } from "../util/guarded-server.ts";
import { Sparingly } from "../util/sparingly.ts";
import type { Logger } from "./log.ts";
import { Counter, Gauge, type Registry } from "./metrics.ts";

const servers = ["webhook", "telemetry"] as const;

/** What is worth a line: the rest is the client's own doing, and hurts nobody else. */
const crowded: ReadonlySet<DropReason> = new Set(["evicted", "refused"]);

/** ConnectionMetrics counts the connections of the HTTP servers. */
export class ConnectionMetrics {
  readonly #open: Gauge<"server">;
  readonly #dropped: Counter<"server" | "reason">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#open = new Gauge({
      name: "getabako_http_connections",
      help: "Open connections of the server for webhooks and of that for metrics and probes.",
      labelNames: ["server"],
      registers,
    });
    this.#dropped = new Counter({
      name: "getabako_http_connections_dropped_total",
      help: "Connections ended without an answer: to make room (evicted, refused), or for what the client sent or did not send.",
      labelNames: ["server", "reason"],
      registers,
    });
    for (const server of servers) {
      this.#open.set({ server }, 0);
      for (const reason of dropReasons) this.#dropped.inc({ server, reason }, 0);
    }
  }

  /** watch follows one of the servers, and logs once a minute that there is no room. */
  watch(server: (typeof servers)[number], log: Logger): ConnectionWatch {
    const lines = new Sparingly<DropReason>(60_000);
    return {
      opened: () => this.#open.inc({ server }),
      closed: () => this.#open.dec({ server }),
      dropped: (reason) => {
        this.#dropped.inc({ server, reason });
        const unsaid = crowded.has(reason) ? lines.due(reason) : undefined;
        if (unsaid !== undefined) log.warn({ server, reason, ...(unsaid > 0 && { alike: unsaid }) }, "too many connections");
      },
    };
  }
}
