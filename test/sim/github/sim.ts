import { systemClock } from "../../../src/util/clock.ts";
import { JwtMemory } from "./auth.ts";
import { Broker } from "./broker/broker.ts";
import { Control } from "./control.ts";
import { Faults } from "./faults.ts";
import { openApi } from "./openapi.ts";
import { type GitHubSimOptions, resolveSettings, type Settings } from "./options.ts";
import { type Bucket, RateLimits } from "./rate-limit.ts";
import { type Counters, type RecordedRequest, Recorder, type Violation } from "./recorder.ts";
import { serveRest } from "./rest.ts";
import { routeClass } from "./routes/policy.ts";
import { RunnerControl } from "./runner-control.ts";
import { SimServer } from "./server.ts";
import * as accounts from "./state/accounts.ts";
import * as apps from "./state/apps.ts";
import { assign } from "./state/assignment.ts";
import * as jobs from "./state/jobs.ts";
import { Ledger, type Report } from "./state/ledger.ts";
import type { App, Installation, Job, Repository, Runner, RunnerGroup } from "./state/model.ts";
import { removeRunner } from "./state/runners.ts";
import { tick } from "./state/tick.ts";
import { type Entry, World } from "./state/world.ts";
import { sendExample } from "./webhooks/examples.ts";
import type { Delivery } from "./webhooks/log.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

/** GitHubSim is a running GitHub: `url` for those who speak HTTP, everything else for the test that holds it. */
export class GitHubSim {
  /** The REST base URL, also what runners connect to: `publicUrl` when that was given. */
  readonly url: string;
  /** The same for callers on this machine. */
  readonly localUrl: string;
  /** The App that every simulator starts with: id, keys, webhook secret. */
  readonly app: App;
  readonly world: World;
  readonly settings: Settings;
  readonly faults: Faults;
  readonly webhooks: Webhooks;
  readonly runners: RunnerControl;
  readonly #limits: RateLimits;
  readonly #recorder: Recorder;
  readonly #ledger: Ledger;
  readonly #server: SimServer;
  readonly #broker: Broker;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(parts: {
    world: World;
    app: App;
    faults: Faults;
    webhooks: Webhooks;
    runners: RunnerControl;
    limits: RateLimits;
    recorder: Recorder;
    ledger: Ledger;
    server: SimServer;
    broker: Broker;
    localUrl: string;
    tickMs: number;
  }) {
    this.world = parts.world;
    this.url = parts.world.url;
    this.localUrl = parts.localUrl;
    this.settings = parts.world.settings;
    this.app = parts.app;
    this.faults = parts.faults;
    this.webhooks = parts.webhooks;
    this.runners = parts.runners;
    this.#limits = parts.limits;
    this.#recorder = parts.recorder;
    this.#ledger = parts.ledger;
    this.#server = parts.server;
    this.#broker = parts.broker;
    if (parts.tickMs > 0) {
      this.#timer = setInterval(() => this.tick(), parts.tickMs);
      this.#timer.unref();
    }
  }

  addOrganization(login: string): ReturnType<typeof accounts.addOrganization> {
    return accounts.addOrganization(this.world, login);
  }

  addUser(login: string): ReturnType<typeof accounts.addUser> {
    return accounts.addUser(this.world, login);
  }

  addRepository(name: string, options: { private?: boolean } = {}): Repository {
    return accounts.addRepository(this.world, name, options);
  }

  renameRepository(from: string, to: string): Repository {
    return accounts.renameRepository(this.world, from, to);
  }

  addRunnerGroup(organization: string, options: Parameters<typeof accounts.addRunnerGroup>[2]): RunnerGroup {
    return accounts.addRunnerGroup(this.world, organization, options);
  }

  /** Another App beside `app`. */
  addApp(options: apps.AddApp = {}): App {
    return apps.addApp(this.world, options);
  }

  addKey(app: App = this.app, format: "pkcs1" | "pkcs8" = "pkcs1"): string {
    return apps.addKey(this.world, app, format);
  }

  revokeKey(privateKey: string, app: App = this.app): void {
    apps.revokeKey(app, privateKey);
  }

  rotateWebhookSecret(secret?: string, app: App = this.app): string {
    return apps.rotateWebhookSecret(this.world, app, secret);
  }

  /** Installs an App (by default `app`) on an account. */
  install(login: string, options: apps.Install & { app?: App } = {}): Installation {
    return apps.install(this.world, options.app ?? this.app, login, options);
  }

  /** Same account, new installation id; tokens of the old one die. */
  reinstall(installation: Installation): Installation {
    return apps.reinstall(this.world, installation);
  }

  uninstall(installation: Installation): void {
    apps.uninstall(this.world, installation);
  }

  suspend(installation: Installation, suspended = true): void {
    installation.suspendedAt = suspended ? this.world.now() : undefined;
  }

  /** Every token that is valid now answers 401 from here on. */
  revokeTokens(): void {
    for (const token of this.world.tokens.values()) token.revoked = true;
  }

  /** Nothing is left of an installation's budget until its window ends. */
  exhaust(installation: Installation, bucket: Bucket = "core"): void {
    this.#limits.exhaust(`installation ${installation.id}`, bucket);
  }

  /** Puts GitHub's clock so far ahead of the injected one (or behind it, when negative). */
  skew(ms: number): void {
    this.world.skewMs = ms;
  }

  queueJob(options: jobs.QueueJob): Job {
    return jobs.queueJob(this.world, options);
  }

  approveJob(id: number): void {
    jobs.approveJob(this.world, this.job(id));
  }

  cancelJob(id: number): void {
    jobs.cancelJob(this.world, this.job(id));
  }

  /** The jobs of the run's next attempt: the failed ones, or all. */
  rerun(runId: number, which: "failed" | "all" = "failed"): Job[] {
    const run = this.world.runs.get(runId);
    if (!run) throw new Error(`there is no run ${runId}`);
    return jobs.rerunJobs(this.world, run, (job) => which === "all" || job.conclusion !== "success");
  }

  job(id: number): Job {
    const job = this.world.jobs.get(id);
    if (!job) throw new Error(`there is no job ${id}`);
    return job;
  }

  /** Every registration in the API, whoever made it. */
  registrations(): readonly Runner[] {
    return [...this.world.runners.values()];
  }

  /** Takes a registration away as GitHub does with runners that idle. */
  reap(which: number | string): void {
    removeRunner(this.world, this.runners.find(which), "idle-reaped");
  }

  /** While held, no job is given to any runner. */
  holdAssignments(held = true): void {
    this.world.assignmentsHeld = held;
    if (!held) assign(this.world);
  }

  /** Looks for everything that only time brings about; also done by itself every `tickMs`. */
  tick(): void {
    this.#broker.tick();
    tick(this.world);
  }

  /** Where the App's events go: one URL, or several in turn like a load balancer. */
  setReceivers(receivers: readonly string[], app: App = this.app): void {
    app.hook.receivers = [...receivers];
  }

  /** Sends one of GitHub's published workflow_job examples, 0 to 7, signed for an App. */
  sendExample(index: number, options: Parameters<typeof sendExample>[3] = {}): Promise<Delivery> {
    return sendExample(this.webhooks, this.app, index, options);
  }

  /** Calls back in the middle of every change, so a test can act between any two steps. */
  listen(listener: (entry: Entry) => void): () => void {
    return this.world.listen(listener);
  }

  /** What happened so far, oldest first: all of it, or what concerns one job and the runners that ran it. */
  journal(jobId?: number): readonly Entry[] {
    return this.world.journal.filter(
      ({ job, runner }) => jobId === undefined || job?.id === jobId || runner?.ran.includes(jobId),
    );
  }

  report(): Report {
    return this.#ledger.report();
  }

  counters(): Counters {
    return this.#recorder.counters();
  }

  requests(): readonly RecordedRequest[] {
    return this.#recorder.requests;
  }

  /** Requests that GitHub would not have understood; a test of a client ends by expecting none. */
  get violations(): readonly Violation[] {
    return this.#recorder.violations;
  }

  /** Everything secret that was ever handed out: tokens, JIT configurations, private keys, webhook secrets. */
  secrets(): readonly string[] {
    return [...this.world.secrets];
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.faults.clear();
    this.runners.close();
    this.#broker.close();
    await this.webhooks.close();
    await this.#server.close();
  }
}

/** startGitHubSim starts a GitHub of its own on a free port (or the one given). */
export async function startGitHubSim(options: GitHubSimOptions = {}): Promise<GitHubSim> {
  const api = await openApi();
  const world = new World(resolveSettings(options), options.clock ?? systemClock);
  const faults = new Faults(world.random);
  const recorder = new Recorder(world);
  const ledger = new Ledger(world);
  const webhooks = new Webhooks(world);
  const runners = new RunnerControl(world);
  const broker = new Broker(world);
  const control = new Control();
  const limits = new RateLimits(world);
  const shared = { api, recorder, world, webhooks, limits, jwts: new JwtMemory() };
  const server = new SimServer(world, faults, recorder, [
    {
      isGitHub: false,
      matches: (path) => path === "/_sim" || path.startsWith("/_sim/"),
      serve: (request) => control.serve(request),
      latency: () => "read",
    },
    {
      isGitHub: true,
      matches: (path) => broker.serves(path),
      serve: (request) => broker.serve(request),
      latency: () => "broker",
    },
    {
      isGitHub: true,
      matches: () => true,
      serve: (request) => serveRest(shared, request),
      latency: (request) => routeClass(operationOf(request)),
    },
  ]);
  function operationOf(request: { method: string; path: string }): string {
    return api.matchOperation({ method: request.method, path: request.path, headers: {} })?.operationId ?? "";
  }
  const listening = await server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  world.url = (options.publicUrl ?? listening).replace(/\/+$/, "");
  const app = apps.addApp(world, { receivers: options.receivers ?? [] });
  const tickMs = options.tickMs ?? 200;
  const parts = { world, app, faults, webhooks, runners, limits, recorder, ledger, server, broker };
  const sim = new GitHubSim({ ...parts, localUrl: listening, tickMs });
  control.attach(sim);
  return sim;
}
