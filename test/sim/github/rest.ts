import { createHash, randomBytes } from "node:crypto";
import type { Operation } from "openapi-backend";
import type { OpenAPIBackend } from "openapi-backend";
import { authenticate, type Caller } from "./auth.ts";
import { ApiError, notFound } from "./errors.ts";
import { type Answer, parseJson, toJson } from "./http.ts";
import type { Bucket } from "./rate-limit.ts";
import type { Recorder } from "./recorder.ts";
import { appRoutes } from "./routes/apps.ts";
import type { Handler, RestCall } from "./routes/call.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { callerName } from "./routes/policy.ts";
import { runnerRoutes } from "./routes/runners.ts";

const routes: Readonly<Record<string, Handler>> = { ...appRoutes, ...runnerRoutes, ...jobRoutes, ...hookRoutes };

/** RestRequest is one request as the server read it. */
export interface RestRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** RestResult is the answer with what the records want to know about it. */
export interface RestResult extends Answer {
  readonly operation: string;
  readonly caller: string | undefined;
}

/**
 * answerExceptions are the answers that GitHub gives although its description does not list them, each with where it was seen.
 * Everything else that the description does not list is a mistake of the simulator.
 */
const answerExceptions: readonly { readonly operation: RegExp; readonly status: number; readonly reason: string }[] = [
  { operation: /./, status: 301, reason: "renamed repositories redirect at every endpoint, the description names it for one" },
  { operation: /./, status: 304, reason: "conditional requests work everywhere" },
  { operation: /./, status: 401, reason: "authentication is described globally, not per operation" },
  { operation: /./, status: 403, reason: "missing permissions and exhausted budgets are described globally" },
  { operation: /./, status: 404, reason: "what a caller may not see does not exist, at every endpoint" },
  { operation: /./, status: 429, reason: "rate limits are described globally" },
  { operation: /./, status: 400, reason: "bodies that are no JSON and parameters that are no numbers" },
  { operation: /jitconfig|access-token/, status: 422, reason: "validation of bodies" },
  { operation: /list-/, status: 422, reason: "validation of search expressions" },
];

type Shared = Pick<RestCall, "world" | "webhooks" | "limits" | "jwts"> & {
  readonly recorder: Recorder;
  readonly api: OpenAPIBackend;
};

/** serveRest routes, authenticates, validates, charges, answers, and checks its own answer. */
export function serveRest(shared: Shared, request: RestRequest): RestResult {
  const { api } = shared;
  let operation: Operation | undefined;
  let caller: Caller | undefined;
  let bucket: Bucket = "core";
  let answer: Answer;
  try {
    operation = route(shared, request);
    if (!request.headers["user-agent"]) {
      throw new ApiError(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header");
    }
    caller = authenticate(shared.world, request.headers["authorization"]);
    const operationId = operation.operationId ?? "";
    bucket = operationId.startsWith("actions/generate-runner-jitconfig") ? shared.world.settings.mintBucket : "core";
    validate(shared, request, operation);
    charge(shared, caller, bucket, operationId);
    answer = (routes[operationId] as Handler)({ ...shared, ...parsed(api, request, operation), caller });
    answer = conditional(request, answer);
    if (answer.status === 304) shared.limits.refund(callerName(caller), bucket);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    answer = renderError(error);
  }
  if (operation) checkAnswer(shared, request, operation, answer);
  const name = caller && callerName(caller);
  return {
    ...answer,
    operation: operation?.operationId ?? "unknown",
    caller: name,
    headers: {
      "x-github-media-type": "github.v3; format=json",
      "x-github-request-id": requestId(),
      ...(name !== undefined && shared.limits.headers(name, bucket)),
      ...answer.headers,
    },
  };
}

function requestId(): string {
  return randomBytes(8).toString("hex").toUpperCase();
}

function asApiRequest(request: RestRequest) {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  const body = request.body === "" ? {} : { body: parseJson(request.body) ?? request.body };
  return { method: request.method, path: request.path, query: request.query, headers, ...body };
}

function route({ api, recorder }: Shared, request: RestRequest): Operation {
  const operation = api.matchOperation(asApiRequest(request));
  if (operation?.operationId && routes[operation.operationId]) return operation;
  recorder.violations.push({
    kind: "route",
    method: request.method,
    path: request.path,
    operationId: undefined,
    errors: ["the simulator does not serve this"],
  });
  throw notFound();
}

function validate({ api, recorder }: Shared, request: RestRequest, operation: Operation): void {
  const broken = request.body !== "" && parseJson(request.body) === undefined;
  const { errors } = api.validateRequest(asApiRequest(request), operation);
  if (!errors && !broken) return;
  const texts = broken
    ? ["the body is no JSON"]
    : (errors ?? []).map((error) => `${error.instancePath} ${error.message ?? error.keyword}`.trim());
  const { method, path } = request;
  recorder.violations.push({ kind: "request", method, path, operationId: operation.operationId, errors: texts });
  if (broken) throw new ApiError(400, "Problems parsing JSON");
  const inBody = (errors ?? []).some((error) => error.instancePath.startsWith("/requestBody"));
  throw new ApiError(inBody ? 422 : 400, inBody ? "Invalid request." : "Bad Request", { errors: texts });
}

function charge({ limits, world }: Shared, caller: Caller, bucket: Bucket, operationId: string): void {
  const name = callerName(caller);
  if (operationId === "rate-limit/get" || limits.charge(name, bucket)) return;
  throw new ApiError(
    world.settings.limits.status,
    `API rate limit exceeded for ${name.replace("installation", "installation ID")}.`,
  );
}

function parsed(api: OpenAPIBackend, request: RestRequest, operation: Operation) {
  const { params } = api.router.parseRequest(asApiRequest(request), operation);
  return {
    params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])),
    query: new URLSearchParams(request.query),
    headers: request.headers,
    body: request.body === "" ? undefined : parseJson(request.body),
    path: request.path,
  };
}

/** Reads answer 304 to a caller that has the newest state already. */
function conditional(request: RestRequest, answer: Answer): Answer {
  if (request.method !== "GET" || answer.status !== 200) return answer;
  const etag = `W/"${createHash("sha256").update(toJson(answer.body)).digest("hex").slice(0, 40)}"`;
  const headers = { ...answer.headers, etag };
  if (request.headers["if-none-match"] === etag) return { status: 304, headers };
  return { ...answer, headers };
}

function renderError(error: ApiError): Answer {
  const body = {
    message: error.message,
    ...(error.errors && { errors: error.errors }),
    documentation_url: "https://docs.github.com/rest",
    status: String(error.status),
  };
  return { status: error.status, headers: error.headers, body };
}

function checkAnswer({ api, recorder }: Shared, request: RestRequest, operation: Operation, answer: Answer): void {
  const operationId = operation.operationId ?? "";
  const declared = Object.keys(operation.responses ?? {}).includes(String(answer.status));
  const report = (errors: string[]) =>
    recorder.violations.push({ kind: "response", method: request.method, path: request.path, operationId, errors });
  if (!declared) {
    const known = answerExceptions.some(
      (exception) => exception.status === answer.status && exception.operation.test(operationId),
    );
    if (!known) report([`status ${answer.status} is not described`]);
    return;
  }
  if (answer.body === undefined) return;
  // What goes over the wire is what counts, so the check sees dates as texts and large ids as numbers.
  const { errors } = api.validateResponse(JSON.parse(toJson(answer.body)), operation, answer.status);
  if (errors) report(errors.map((error) => `${answer.status} ${error.instancePath} ${error.message ?? error.keyword}`));
}
