import type { Fault } from "../../support/fault.ts";
import type { RequestMatch } from "../../support/proxied-request.ts";
import type { Apply } from "./apply.ts";

const writes = /^(POST|PATCH|PUT)$/;

const inject =
  (match: RequestMatch, of: (forMs: number, pick: number) => Fault): Apply =>
  ({ fleet }, { pick, times, forMs }) => {
    const operator = fleet.pick(pick);
    operator.proxy.inject(match, of(forMs, pick), { times });
    return `the next ${times} requests of operator ${operator.name}`;
  };

/** kubeFaults happen between an operator and the API server, or to the API server itself. */
export const kubeFaults = {
  "kube-cut-watches": ({ fleet }, { pick }) => {
    const operator = fleet.pick(pick);
    const cut = operator.proxy.cutWatches();
    return cut === 0 ? undefined : `${cut} watches of operator ${operator.name}`;
  },
  "kube-expired": inject({ watch: true }, () => ({ kind: "watchExpired" })),
  "kube-429": inject({}, (_, pick) => ({ kind: "status", code: 429, ...(pick % 2 === 0 && { retryAfterSeconds: 1 }) })),
  "kube-500": inject({}, () => ({ kind: "status", code: 500 })),
  "kube-slow": inject({ method: writes }, (ms) => ({ kind: "delay", ms })),
  "kube-lost-answer": inject({ method: writes }, () => ({ kind: "dropAfter" })),
  "kube-refuse": async ({ fleet, undos }, { pick, forMs }) => {
    const operator = fleet.pick(pick);
    await operator.proxy.refuse();
    undos.after(forMs, `kube-refuse of operator ${operator.name}`, () => operator.proxy.accept());
    return `operator ${operator.name}, for ${forMs} ms`;
  },
  "kube-restart": async ({ controlPlane }) => {
    await controlPlane.restartApiServer();
    return "kube-apiserver";
  },
  "kube-pause": ({ controlPlane, undos }, { forMs }) => {
    controlPlane.pauseApiServer();
    undos.after(forMs, "kube-pause", () => controlPlane.resumeApiServer());
    return `for ${forMs} ms`;
  },
} as const satisfies Partial<Record<string, Apply>>;
