import { ApiError } from "./errors.ts";
import { parseJson } from "./http.ts";
import type { Fault } from "./faults.ts";
import type { Inbound, Outbound } from "./server.ts";
import type { GitHubSim } from "./sim.ts";
import type { Conclusion, Installation } from "./state/model.ts";
import type { Install } from "./state/apps.ts";
import type { QueueJob } from "./state/jobs.ts";
import { jobStory, runnerStory } from "./state/ledger.ts";
import { renderDeliveryItem } from "./webhooks/render.ts";
import type { WebhookFault } from "./webhooks/faults.ts";

type Body = Readonly<Record<string, unknown>>;
type Action = (sim: GitHubSim, body: Body, match: readonly string[]) => unknown;

/** Control is the JSON surface under `/_sim/` for a simulator that runs in another process. */
export class Control {
  #sim: GitHubSim | undefined;

  attach(sim: GitHubSim): void {
    this.#sim = sim;
  }

  async serve(request: Inbound): Promise<Outbound> {
    const sim = this.#sim;
    const done = (status: number, body: unknown): Outbound => ({ status, body, operation: "control", caller: undefined });
    if (!sim) return done(503, { error: "starting" });
    const paths = actions.map(
      ([method, pattern]) => `${method} ${pattern.source.replaceAll("\\/", "/").replace(/^\^|\$$/g, "")}`,
    );
    if (request.method === "GET" && /^\/_sim\/?$/.test(request.path)) return done(200, paths);
    const body = request.body === "" ? {} : parseJson(request.body);
    if (typeof body !== "object" || body === null) return done(400, { error: "the body must be a JSON object" });
    for (const [method, pattern, action] of actions) {
      const match = method === request.method ? pattern.exec(request.path) : null;
      if (!match) continue;
      try {
        return done(200, (await action(sim, body as Body, match.slice(1))) ?? {});
      } catch (error) {
        return done(error instanceof ApiError ? error.status : 400, {
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
    return done(404, { error: "unknown control path", known: paths });
  }
}

const text = (body: Body, name: string): string => {
  const value = body[name];
  if (typeof value !== "string" || value === "") throw new Error(`"${name}" must be a text`);
  return value;
};

const installationOf = (sim: GitHubSim, id: string | undefined): Installation => {
  const installation = sim.world.installations.get(Number(id));
  if (!installation) throw new Error(`there is no installation ${id}`);
  return installation;
};

/** Every number and choice of the settings can be changed while the simulator runs; unknown names are an error, not a shrug. */
const applySettings = (sim: GitHubSim, body: Body): void => {
  const settings = sim.settings as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(body)) {
    if (typeof settings[name] !== typeof value) throw new Error(`there is no setting "${name}" of type ${typeof value}`);
    settings[name] = value;
  }
};

const runnerOf = (body: Body): number | string => {
  const id = body["id"];
  return typeof id === "number" ? id : text(body, typeof body["jitConfig"] === "string" ? "jitConfig" : "name");
};

/** The control surface, one line per verb. Bodies are what the methods of GitHubSim take. */
const actions: readonly (readonly [method: string, path: RegExp, action: Action])[] = [
  ["GET", /^\/_sim\/ready$/, (sim) => ({ url: sim.url })],
  [
    "GET",
    /^\/_sim\/credentials$/,
    ({ app }) => ({
      appId: app.id,
      clientId: app.clientId,
      slug: app.slug,
      privateKey: app.keys.at(-1)?.privateKey,
      webhookSecret: app.hook.secret,
    }),
  ],
  [
    "GET",
    /^\/_sim\/state$/,
    (sim) => ({
      installations: [...sim.world.installations.values()].map(({ id, account }) => ({ id, account: account.login })),
      runners: sim.registrations().map(runnerStory),
      jobs: [...sim.world.jobs.values()].map(jobStory),
    }),
  ],
  ["GET", /^\/_sim\/report$/, (sim) => sim.report()],
  ["GET", /^\/_sim\/counters$/, (sim) => sim.counters()],
  ["GET", /^\/_sim\/violations$/, (sim) => sim.violations],
  ["GET", /^\/_sim\/requests$/, (sim) => sim.requests()],
  ["GET", /^\/_sim\/secrets$/, (sim) => sim.secrets()],
  ["GET", /^\/_sim\/deliveries$/, (sim) => sim.webhooks.log.list().map(renderDeliveryItem)],
  [
    "GET",
    /^\/_sim\/journal$/,
    (sim) =>
      sim.journal().map(({ at, kind, job, runner, detail }) => ({
        at: new Date(at).toISOString(),
        kind,
        job: job?.id,
        runner: runner?.name,
        detail,
      })),
  ],
  ["POST", /^\/_sim\/repositories$/, (sim, body) => sim.addRepository(text(body, "repository"), body as { private?: boolean })],
  ["POST", /^\/_sim\/users$/, (sim, body) => sim.addUser(text(body, "login"))],
  [
    "POST",
    /^\/_sim\/installations$/,
    (sim, body) => {
      const { id, account } = sim.install(text(body, "account"), body as Install);
      return { id, account: account.login };
    },
  ],
  ["POST", /^\/_sim\/receivers$/, (sim, body) => sim.setReceivers((body["receivers"] ?? []) as string[])],
  ["POST", /^\/_sim\/jobs$/, (sim, body) => jobStory(sim.queueJob(body as unknown as QueueJob))],
  ["GET", /^\/_sim\/jobs\/(\d+)$/, (sim, _body, [id]) => jobStory(sim.job(Number(id)))],
  ["POST", /^\/_sim\/jobs\/(\d+)\/cancel$/, (sim, _body, [id]) => sim.cancelJob(Number(id))],
  ["POST", /^\/_sim\/jobs\/(\d+)\/approve$/, (sim, _body, [id]) => sim.approveJob(Number(id))],
  [
    "POST",
    /^\/_sim\/runs\/(\d+)\/rerun$/,
    (sim, body, [id]) => sim.rerun(Number(id), body["which"] === "all" ? "all" : "failed").map(jobStory),
  ],
  ["POST", /^\/_sim\/faults$/, (sim, body) => ({ id: sim.faults.add(body as unknown as Fault).id })],
  ["GET", /^\/_sim\/faults$/, (sim) => sim.faults.list().map(({ id, fault, hits }) => ({ id, ...fault, hits }))],
  [
    "POST",
    /^\/_sim\/faults\/(\d+)\/release$/,
    (sim, _body, [id]) =>
      sim.faults
        .list()
        .find((fault) => fault.id === Number(id))
        ?.release(),
  ],
  ["DELETE", /^\/_sim\/faults$/, (sim) => sim.faults.clear()],
  ["POST", /^\/_sim\/webhook-faults$/, (sim, body) => ({ id: sim.webhooks.addFault(body as unknown as WebhookFault).id })],
  [
    "POST",
    /^\/_sim\/webhook-faults\/(\d+)\/release$/,
    (sim, _body, [id]) =>
      sim.webhooks
        .faults()
        .find((fault) => fault.id === Number(id))
        ?.release(),
  ],
  ["DELETE", /^\/_sim\/webhook-faults$/, (sim) => sim.webhooks.clearFaults()],
  ["POST", /^\/_sim\/examples\/(\d)$/, async (sim, _body, [index]) => renderDeliveryItem(await sim.sendExample(Number(index)))],
  ["POST", /^\/_sim\/clock$/, (sim, body) => sim.skew(Number(body["skewMs"] ?? 0))],
  ["POST", /^\/_sim\/settings$/, (sim, body) => applySettings(sim, body)],
  ["POST", /^\/_sim\/revoke-tokens$/, (sim) => sim.revokeTokens()],
  [
    "POST",
    /^\/_sim\/installations\/(\d+)\/reinstall$/,
    (sim, _body, [id]) => ({ id: sim.reinstall(installationOf(sim, id)).id }),
  ],
  ["POST", /^\/_sim\/assignments$/, (sim, body) => sim.holdAssignments(body["held"] === true)],
  ["POST", /^\/_sim\/settled$/, (sim) => sim.webhooks.settled()],
  ["POST", /^\/_sim\/runner\/connect$/, (sim, body) => runnerStory(sim.runners.connect(runnerOf(body)))],
  [
    "POST",
    /^\/_sim\/runner\/poll$/,
    (sim, body) => {
      const job = sim.runners.poll(runnerOf(body));
      return { job: job ? jobStory(job) : null };
    },
  ],
  [
    "POST",
    /^\/_sim\/runner\/finish$/,
    (sim, body) => jobStory(sim.runners.finish(runnerOf(body), body["conclusion"] as Conclusion | undefined)),
  ],
  ["POST", /^\/_sim\/runner\/disconnect$/, (sim, body) => sim.runners.disconnect(runnerOf(body))],
  ["POST", /^\/_sim\/runner\/run$/, (sim, body) => sim.runners.start(text(body, "jitConfig")).done],
];
