import type { Apply } from "./apply.ts";

/** webhookFaults happen to the next events on their way. */
export const webhookFaults = {
  "webhook-drop": ({ github }, { times }) => {
    github.webhooks.addFault({ kind: "drop", times });
    return `the next ${times} events`;
  },
  "webhook-fail": ({ github }, { times }) => {
    github.webhooks.addFault({ kind: "fail", times });
    return `the next ${times} deliveries`;
  },
  "webhook-delay": ({ github }, { times, forMs }) => {
    github.webhooks.addFault({ kind: "delay", times, ms: forMs });
    return `the next ${times} events, by ${forMs} ms`;
  },
  "webhook-duplicate": ({ github }, { times }) => {
    github.webhooks.addFault({ kind: "duplicate", times, copies: 2 });
    return `the next ${times} events`;
  },
  "webhook-reorder": ({ github }, { times, forMs }) => {
    github.webhooks.addFault({ kind: "reorder", times, count: times, ms: forMs });
    return `the next ${times} events`;
  },
  "webhook-hold": ({ github, undos }, { times, forMs }) => {
    const held = github.webhooks.addFault({ kind: "hold", times });
    undos.after(forMs, `webhook-hold of ${times}`, () => held.remove());
    return `up to ${times} events, for ${forMs} ms`;
  },
} as const satisfies Partial<Record<string, Apply>>;
