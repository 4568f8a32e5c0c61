/**
 * A small GitHub Actions runner for tests: it speaks the protocol of the real one (token, session, messages, run service), takes one
 * job, waits as long as the job says, and ends. One file and Node's built-ins only, so it also runs alone in a container image.
 */
import { constants, createPrivateKey, type JsonWebKey, type KeyObject, randomUUID, sign } from "node:crypto";

interface Settings {
  readonly name: string;
  readonly brokerUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly pss: boolean;
  readonly key: KeyObject;
}

interface JobMessage {
  readonly jobId: string;
  readonly jobDisplayName: string;
  readonly plan: { readonly planId: string };
  readonly variables: Readonly<Record<string, { readonly value: string }>>;
  readonly resources: {
    readonly endpoints: readonly {
      readonly name: string;
      readonly url: string;
      readonly authorization: { readonly parameters: { readonly AccessToken: string } };
    }[];
  };
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const version = process.env["MINI_RUNNER_VERSION"] ?? "2.336.0";
const retryMs = Number(process.env["MINI_RUNNER_RETRY_MS"] ?? 1_000);
const renewEveryMs = Number(process.env["MINI_RUNNER_RENEW_MS"] ?? 60_000);

/** The listener ends with 0 for almost everything, as the real one's wrapper does; see `main`. */
class Ended extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 0) {
    super(message);
    this.exitCode = exitCode;
  }
}

function log(line: string): void {
  process.stdout.write(`${new Date().toISOString().replace("T", " ").slice(0, 19)}Z: ${line}\n`);
}

/** Reads the configuration and takes it out of the environment, so that no job inherits it. */
function takeSettings(): Settings {
  const encoded = process.env["ACTIONS_RUNNER_INPUT_JITCONFIG"];
  for (const name of Object.keys(process.env)) if (name.startsWith("ACTIONS_RUNNER_INPUT_")) delete process.env[name];
  if (!encoded) throw new Ended("ACTIONS_RUNNER_INPUT_JITCONFIG is not set");
  try {
    const decode = (text: string) => JSON.parse(Buffer.from(text, "base64").toString("utf8")) as Record<string, never>;
    const files = decode(encoded) as Record<string, string>;
    const file = (name: string) => decode(files[name] ?? "") as Record<string, string>;
    const runner = file(".runner");
    const credentials = file(".credentials") as unknown as { readonly Data: Record<string, string> };
    const numbers = file(".credentials_rsaparams");
    const number = (name: string) => Buffer.from(numbers[name] ?? "", "base64").toString("base64url");
    const jwk: JsonWebKey = {
      kty: "RSA",
      e: number("exponent"),
      n: number("modulus"),
      d: number("d"),
      p: number("p"),
      q: number("q"),
      dp: number("dp"),
      dq: number("dq"),
      qi: number("inverseQ"),
    };
    return {
      name: runner["AgentName"] ?? "",
      brokerUrl: runner["ServerUrlV2"] ?? "",
      tokenUrl: credentials.Data["authorizationUrlV2"] ?? credentials.Data["authorizationUrl"] ?? "",
      clientId: credentials.Data["clientId"] ?? "",
      pss: credentials.Data["requireFipsCryptography"]?.toLowerCase() === "true",
      key: createPrivateKey({ key: jwk, format: "jwk" }),
    };
  } catch {
    // The text itself stays out of the message: it is a secret.
    throw new Ended("the JIT configuration cannot be decoded");
  }
}

async function call(
  method: string,
  url: string,
  options: { token?: string; json?: unknown; form?: URLSearchParams; signal?: AbortSignal } = {},
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      "user-agent": `mini-runner/${version}`,
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
      ...(options.json !== undefined && { "content-type": "application/json" }),
    },
    ...(options.json !== undefined && { body: JSON.stringify(options.json) }),
    ...(options.form && { body: options.form }),
    signal: AbortSignal.any([AbortSignal.timeout(90_000), ...(options.signal ? [options.signal] : [])]),
  });
  const text = await response.text();
  let body: unknown;
  try {
    body = text === "" ? undefined : JSON.parse(text);
  } catch {
    body = undefined;
  }
  return { status: response.status, body };
}

const kindOf = (reply: Reply): string => (reply.body as { errorKind?: string } | undefined)?.errorKind ?? "";

/** MiniRunner is one runner from its first call to its last. */
class MiniRunner {
  readonly #settings: Settings;
  readonly #stop = new AbortController();
  #token = "";
  #sessionId = "";

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** SIGTERM: a running job is cancelled, a waiting listener says goodbye. */
  stop(): void {
    this.#stop.abort();
  }

  async run(): Promise<number> {
    await this.#authorize();
    await this.#openSession();
    log("Connected to GitHub");
    log(`Current runner version: '${version}'`);
    log("Listening for Jobs");
    try {
      const message = await this.#waitForJob();
      return message ? await this.#work(message) : this.#stopped();
    } finally {
      // The service may have forgotten the runner already.
      await call("DELETE", `${this.#settings.brokerUrl}/session`, { token: this.#token }).catch(() => undefined);
    }
  }

  #stopped(): number {
    log("Runner is stopping");
    return 143;
  }

  async #authorize(): Promise<void> {
    const { clientId, tokenUrl, key, pss } = this.#settings;
    const now = Math.floor(Date.now() / 1000);
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { iss: clientId, sub: clientId, aud: tokenUrl, jti: randomUUID(), nbf: now - 30, iat: now, exp: now + 300 };
    const unsigned = `${part({ alg: pss ? "PS256" : "RS256", typ: "JWT" })}.${part(claims)}`;
    const padding = pss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
    const signature = sign("RSA-SHA256", Buffer.from(unsigned), { key, ...padding }).toString("base64url");
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: `${unsigned}.${signature}`,
    });
    const reply = await retrying(
      "the token",
      () => call("POST", tokenUrl, { form, signal: this.#stop.signal }),
      this.#stop.signal,
    );
    if (reply.status !== 200) throw new Ended("The runner registration has been deleted from the server, please re-configure.");
    this.#token = (reply.body as { access_token: string }).access_token;
  }

  async #openSession(): Promise<void> {
    const agent = { id: 0, name: this.#settings.name, version, osDescription: "linux" };
    const json = { sessionId: randomUUID(), ownerName: this.#settings.name, agent };
    const { signal } = this.#stop;
    const open = () => call("POST", `${this.#settings.brokerUrl}/session`, { token: this.#token, json, signal });
    const reply = await retrying("the session", open, signal);
    if (kindOf(reply) === "RunnerVersionTooOld") throw tooOld();
    if (reply.status === 409) throw new Ended("A session for this runner already exists.");
    if (reply.status !== 200) throw new Ended(`The session was refused with status ${reply.status}.`);
    this.#sessionId = (reply.body as { sessionId: string }).sessionId;
  }

  /** Polls until a job could be acquired; undefined when the process is told to stop. */
  async #waitForJob(): Promise<JobMessage | undefined> {
    while (!this.#stop.signal.aborted) {
      const message = await this.#poll("Online", this.#stop.signal);
      if (message?.type !== "RunnerJobRequest") continue;
      const { id, runner_request_id: requestId, run_service_url: runUrl } = message.body as Record<string, string>;
      const { brokerUrl } = this.#settings;
      const acknowledged = await call("POST", `${brokerUrl}/acknowledge`, {
        token: this.#token,
        json: { runnerRequestId: requestId },
      }).catch(() => undefined);
      if (acknowledged && kindOf(acknowledged) === "AcknowledgeJobNotFound") throw new Ended("The job is gone.");
      const json = { jobMessageId: id, runnerOS: "Linux", billingOwnerId: message.body["billing_owner_id"] };
      const acquired = await retrying("the job", () => call("POST", `${runUrl}acquirejob`, { token: this.#token, json }));
      if (acquired.status === 200) return acquired.body as JobMessage;
      // As the real one does, even when GitHub has forgotten this runner: then nothing will ever come.
      log(`Skipping message Job. ${acquired.status}`);
    }
    return undefined;
  }

  async #poll(
    status: string,
    signal: AbortSignal,
  ): Promise<{ readonly type: string; readonly body: Record<string, unknown> } | undefined> {
    const query = new URLSearchParams({
      sessionId: this.#sessionId,
      status,
      runnerVersion: version,
      os: "Linux",
      architecture: "X64",
      disableUpdate: "true",
    });
    let reply: Reply;
    try {
      reply = await call("GET", `${this.#settings.brokerUrl}/message?${query.toString()}`, { token: this.#token, signal });
    } catch {
      if (!signal.aborted) await pause(retryMs, signal);
      return undefined;
    }
    if (reply.status === 401) {
      await this.#authorize();
      return undefined;
    }
    switch (kindOf(reply)) {
      case "RunnerNotFound":
        throw new Ended("The runner registration has been deleted from the server, please re-configure.");
      case "RunnerVersionTooOld":
        throw tooOld();
      case "RunnerSessionInvalid":
        await this.#openSession();
        return undefined;
      default:
        break;
    }
    if (reply.status >= 400) await pause(retryMs, signal);
    if (reply.status !== 200) return undefined;
    const message = reply.body as { readonly messageType: string; readonly body: string };
    return { type: message.messageType, body: JSON.parse(message.body) as Record<string, unknown> };
  }

  async #work(message: JobMessage): Promise<number> {
    const endpoint = message.resources.endpoints.find(({ name }) => name === "SystemVssConnection");
    if (!endpoint) throw new Ended("The job message has no SystemVssConnection.");
    const token = endpoint.authorization.parameters.AccessToken;
    const ids = { planId: message.plan.planId, jobId: message.jobId };
    const variable = (name: string) => message.variables[name]?.value;
    log(`Running job: ${message.jobDisplayName}`);
    const cancelled = new AbortController();
    const over = new AbortController();
    if (this.#stop.signal.aborted) cancelled.abort();
    this.#stop.signal.addEventListener("abort", () => cancelled.abort());
    const renewing = setInterval(() => {
      call("POST", `${endpoint.url}renewjob`, { token, json: ids })
        .then((reply) => reply.status === 404 && cancelled.abort())
        .catch(() => undefined);
    }, renewEveryMs);
    const watching = this.#watchForCancellation(cancelled, over.signal);
    await pause(Number(variable("sim.duration_ms") ?? 0), cancelled.signal);
    over.abort();
    clearInterval(renewing);
    await watching;
    const conclusion = cancelled.signal.aborted ? "Canceled" : (variable("sim.conclusion") ?? "Succeeded");
    const json = { ...ids, conclusion, outputs: {}, stepResults: [], annotations: [] };
    await retrying("the completion", () => call("POST", `${endpoint.url}completejob`, { token, json }));
    log(`Job ${message.jobDisplayName} completed with result: ${conclusion}`);
    return this.#stop.signal.aborted ? this.#stopped() : 0;
  }

  async #watchForCancellation(cancelled: AbortController, over: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([over, cancelled.signal]);
    while (!signal.aborted) {
      try {
        const message = await this.#poll("Busy", signal);
        if (message?.type === "JobCancellation") cancelled.abort();
      } catch {
        // The registration is gone, so the job is: nobody waits for its result.
        cancelled.abort();
      }
    }
  }
}

function tooOld(): Ended {
  const asked = process.env["ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE"] === "1";
  return new Ended(`Runner version v${version} is deprecated and cannot receive messages.`, asked ? 7 : 0);
}

/** Repeats what failed for reasons that pass: no connection, 429, 5xx. */
async function retrying(what: string, attempt: () => Promise<Reply>, stop?: AbortSignal): Promise<Reply> {
  for (let tries = 1; ; tries += 1) {
    try {
      const reply = await attempt();
      if ((reply.status < 500 && reply.status !== 429) || tries === 6) return reply;
    } catch (error) {
      if (stop?.aborted) throw new Ended("Runner is stopping", 143);
      if (tries === 6) throw error;
    }
    log(`Trying again to get ${what}`);
    await pause(Math.min(retryMs * 2 ** (tries - 1), 10_000), stop);
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function main(): Promise<number> {
  try {
    const runner = new MiniRunner(takeSettings());
    process.on("SIGTERM", () => runner.stop());
    process.on("SIGINT", () => runner.stop());
    return await runner.run();
  } catch (error) {
    log(error instanceof Error ? error.message : "unknown error");
    return error instanceof Ended ? error.exitCode : 0;
  }
}

process.exit(await main());
