import type { Fault } from "../../support/fault.ts";
import type { RequestMatch } from "../../support/proxied-request.ts";
import type { Apply } from "./apply.ts";

const writes = /^(POST|PATCH|PUT)$/;

/** How soon it is noticed that a fault has hit as many requests as it should. */
const lookEveryMs = 100;

/** How far watches lag behind, in milliseconds. The time of the operators is compressed: with the default divisor a second is 20 s to them. */
const [shortestLagMs, longestLagMs] = [100, 1_000];

const inject =
  (match: RequestMatch, of: (forMs: number, pick: number) => Fault): Apply =>
  ({ fleet, leases, undos }, { kind, pick, times, forMs }) => {
    const operator = fleet.pick(pick);
    const injection = operator.proxy.inject(match, of(forMs, pick), { times });
    if (match.watch !== true) {
      const isOver = leases.begin(operator.name);
      const look = setInterval(() => {
        if (injection.hits < times) return;
        clearInterval(look);
        isOver();
      }, lookEveryMs).unref();
      undos.after(60 * 60_000, `${kind} of operator ${operator.name}`, () => {
        clearInterval(look);
        isOver();
      });
    }
    return `the next ${times} requests of operator ${operator.name}`;
  };

/** kubeFaults happen between an operator and the API server, or to the API server itself. */
export const kubeFaults = {
  "kube-cut-watches": ({ fleet }, { pick }) => {
    const operator = fleet.pick(pick);
    const cut = operator.proxy.cutWatches();
    return cut === 0 ? undefined : `${cut} watches of operator ${operator.name}`;
  },
  "kube-lag": ({ fleet, undos }, { pick, forMs }) => {
    const operator = fleet.pick(pick);
    const lagMs = shortestLagMs + (pick % (longestLagMs - shortestLagMs));
    undos.after(forMs, `kube-lag of operator ${operator.name}`, operator.proxy.lagWatches(lagMs));
    return `the watches of operator ${operator.name} by ${lagMs} ms, for ${forMs} ms`;
  },
  "kube-expired": inject({ watch: true }, () => ({ kind: "watchExpired" })),
  "kube-429": inject({}, (_, pick) => ({ kind: "status", code: 429, ...(pick % 2 === 0 && { retryAfterSeconds: 1 }) })),
  "kube-500": inject({}, () => ({ kind: "status", code: 500 })),
  "kube-slow": inject({ method: writes }, (ms) => ({ kind: "delay", ms })),
  "kube-lost-answer": inject({ method: writes }, () => ({ kind: "dropAfter" })),
  "kube-refuse": async ({ fleet, leases, undos }, { pick, forMs }) => {
    const operator = fleet.pick(pick);
    const isOver = leases.begin(operator.name);
    await operator.proxy.refuse();
    undos.after(forMs, `kube-refuse of operator ${operator.name}`, async () => {
      await operator.proxy.accept();
      isOver();
    });
    return `operator ${operator.name}, for ${forMs} ms`;
  },
  "kube-restart": async ({ controlPlane, leases }) => {
    const isOver = leases.begin();
    await controlPlane.restartApiServer();
    isOver();
    return "kube-apiserver";
  },
  "kube-pause": ({ controlPlane, leases, undos }, { forMs }) => {
    const isOver = leases.begin();
    controlPlane.pauseApiServer();
    undos.after(forMs, "kube-pause", () => {
      controlPlane.resumeApiServer();
      isOver();
    });
    return `for ${forMs} ms`;
  },
} as const satisfies Partial<Record<string, Apply>>;
