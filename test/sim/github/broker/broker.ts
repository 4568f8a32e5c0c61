import { ApiError } from "../errors.ts";
import { type Answer, parseJson } from "../http.ts";
import type { Inbound, Outbound } from "../server.ts";
import type { Runner } from "../state/model.ts";
import type { World } from "../state/world.ts";
import { BrokerError, listenerError } from "./errors.ts";
import { RunnerTokens } from "./oauth.ts";
import { RunService } from "./run-service.ts";
import { Sessions } from "./sessions.ts";

type Body = Readonly<Record<string, unknown>>;
type Call = { readonly request: Inbound; readonly body: Body; readonly query: URLSearchParams };
type Route = readonly [method: string, path: RegExp, operation: string, serve: (call: Call) => Answer | Promise<Answer>];

/** Broker is the runner's side of GitHub: token, session, messages, and the run service. */
export class Broker {
  readonly #tokens: RunnerTokens;
  readonly #sessions: Sessions;
  readonly #runs: RunService;
  readonly #routes: readonly Route[];

  constructor(world: World) {
    this.#tokens = new RunnerTokens(world);
    this.#sessions = new Sessions(world);
    this.#runs = new RunService(world, (runner) => this.#sessions.seen(runner));
    const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");
    const who = (call: Call): Runner => this.#tokens.owner(call.request.headers["authorization"]);
    this.#routes = [
      [
        "POST",
        /^\/_broker\/tenants\/[^/]+\/oauth2\/v2\.0\/token$/,
        "broker/token",
        ({ request }) => ({
          status: 200,
          body: this.#tokens.exchange(new URLSearchParams(request.body), `${world.url}${request.path}`),
        }),
      ],
      [
        "POST",
        /^\/session$/,
        "broker/create-session",
        (call) => {
          const agent = (call.body["agent"] ?? {}) as Body;
          return {
            status: 200,
            body: { sessionId: this.#sessions.open(who(call), text(agent["version"])), ownerName: text(call.body["ownerName"]) },
          };
        },
      ],
      [
        "GET",
        /^\/message$/,
        "broker/get-message",
        async (call) => {
          const message = await this.#sessions.poll(who(call), call.query.get("sessionId") ?? "", call.request.gone);
          return message ? { status: 200, body: message } : { status: 204 };
        },
      ],
      [
        "POST",
        /^\/acknowledge$/,
        "broker/acknowledge",
        (call) => {
          const runner = who(call);
          if (String(runner.job?.id) !== text(call.body["runnerRequestId"])) {
            throw listenerError(404, "AcknowledgeJobNotFound", "The job is not assigned to this runner any more.");
          }
          return { status: 200, body: {} };
        },
      ],
      [
        "DELETE",
        /^\/session$/,
        "broker/delete-session",
        (call) => {
          this.#sessions.close(who(call));
          return { status: 204 };
        },
      ],
      [
        "POST",
        /^\/_run\/acquirejob$/,
        "broker/acquire-job",
        (call) => ({ status: 200, body: this.#runs.acquire(who(call), text(call.body["jobMessageId"])) }),
      ],
      [
        "POST",
        /^\/_run\/renewjob$/,
        "broker/renew-job",
        ({ request, body }) => ({ status: 200, body: this.#runs.renew(request.headers["authorization"], text(body["planId"])) }),
      ],
      [
        "POST",
        /^\/_run\/completejob$/,
        "broker/complete-job",
        ({ request, body }) => {
          this.#runs.complete(request.headers["authorization"], text(body["planId"]), body["conclusion"]);
          return { status: 204 };
        },
      ],
    ];
  }

  serves(path: string): boolean {
    return /^\/(_broker\/|_run\/|session$|message$|acknowledge$)/.test(path);
  }

  async serve(request: Inbound): Promise<Outbound> {
    const found = this.#routes.find(([method, path]) => method === request.method && path.test(request.path));
    if (!found) return { status: 404, operation: "broker/unknown", caller: undefined, body: { message: "Not Found" } };
    const [, , operation, serve] = found;
    const parsed = parseJson(request.body);
    const body = typeof parsed === "object" && parsed !== null ? (parsed as Body) : {};
    try {
      const answer = await serve({ request, body, query: new URLSearchParams(request.query) });
      return { ...answer, operation, caller: undefined };
    } catch (error) {
      if (error instanceof BrokerError) return { status: error.status, body: error.body, operation, caller: undefined };
      if (error instanceof ApiError)
        return { status: error.status, body: { message: error.message }, operation, caller: undefined };
      throw error;
    }
  }

  tick(): void {
    this.#sessions.tick();
  }

  close(): void {
    this.#sessions.shutDown();
  }
}
