import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import { keyText } from "../kube/object.ts";
import type { Store } from "../kube/store.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Clock } from "../util/clock.ts";
import { decide, isOurs, type Situation } from "./decide.ts";
import type { WebhookEvent } from "./event.ts";
import type { WriteContext, Writer, Written } from "./writer.ts";

/** UsableEvent is an event that can be decided on. */
export type UsableEvent = Exclude<WebhookEvent, { kind: "malformed" }>;

/** Origin says who told of an event, and by which way. */
export type Origin = Pick<Situation, "apps" | "host" | "source" | "deliveryId">;

/** Handled is what became of an event. */
export type Handled = Written | { readonly outcome: "pong"; readonly reason: string; readonly request?: undefined };

/** Handler does what an event asks for: decide, then write. Every source of events ends here. */
export class Handler {
  readonly #targets: Store<RunnerTarget>;
  readonly #writer: Writer;
  readonly #clock: Clock;

  constructor(options: { targets: Store<RunnerTarget>; writer: Writer; clock: Clock }) {
    this.#targets = options.targets;
    this.#writer = options.writer;
    this.#clock = options.clock;
  }

  /** handle resolves once what the event asks for is stored, or is known to need nothing. @throws StoreUnavailable */
  async handle(event: UsableEvent, origin: Origin, { signal, log }: { signal: AbortSignal; log: Logger }): Promise<Handled> {
    const situation: Situation = { ...origin, targets: [...this.#targets.list()], nowMs: this.#clock.now() };
    const context: WriteContext = {
      isOurs: (request) => isOurs(request, situation, (key) => this.#targets.get(key)),
      signal,
      log,
    };
    const decision = decide(event, situation);
    switch (decision.kind) {
      case "pong":
        return { outcome: "pong", reason: "getabako receives this App's webhooks" };
      case "ignore":
        return { outcome: "ignored", reason: decision.reason };
      case "create":
        return logged(event, await this.#writer.create(decision, context), log);
      case "record":
        return logged(event, await this.#writer.record(decision, context), log);
      default:
        return decision satisfies never;
    }
  }
}

function logged(event: UsableEvent, written: Written, log: Logger): Written {
  const { outcome, request, requestDelivery } = written;
  if (outcome !== "created" && outcome !== "recorded") return written;
  log.info(
    {
      ...(event.kind === "workflow_job" && { job: event.job.id, action: event.action }),
      ...(request !== undefined && { runnerRequest: keyText(request) }),
      ...(outcome === "recorded" && requestDelivery !== undefined && { requestDelivery }),
    },
    outcome === "created" ? "created runner request" : "recorded job",
  );
  return written;
}
