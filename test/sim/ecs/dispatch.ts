import type { Failure, RunTaskRequest } from "@aws-sdk/client-ecs";
import { ApiError, invalidParameter, type ViolationKind } from "./api-error.ts";
import type { CallRecord, Calls } from "./calls.ts";
import type { Context } from "./context.ts";
import type { CallFacts, Fault, Faults } from "./faults.ts";
import { requestedCapacities } from "./operations/run-task-placement.ts";
import { operations } from "./operations/table.ts";
import { aborted, credentialScope, type Incoming, pause, type Reply, type Scope } from "./wire.ts";
import { errorSchema, operationSchemas, schemaProblems } from "./schema.ts";

/** Violation is something about a request (or about our answer) that real ECS or its model does not allow. */
export interface Violation {
  readonly kind: ViolationKind;
  readonly operation: string;
  readonly message: string;
  /** Number of the call in the log. */
  readonly call: number;
}

export interface DispatcherOptions {
  readonly context: Context;
  readonly faults: Faults;
  readonly calls: Calls;
  readonly violations: Violation[];
}

const prefix = "AmazonEC2ContainerServiceV20141113.";

/** Dispatcher takes a request through authentication, schema, faults, throttles and the operation, and checks the answer too. */
export class Dispatcher {
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  async handle(incoming: Incoming): Promise<Reply> {
    const { calls, context } = this.#options;
    const operation = incoming.target.startsWith(prefix) ? incoming.target.slice(prefix.length) : incoming.target;
    const scope = credentialScope(incoming.authorization);
    const attempt = Number(/attempt=(\d+)/.exec(incoming.sdkRequest)?.[1] ?? 1);
    const record = calls.begin(context.clock.now(), operation, scope?.accessKeyId ?? "", attempt);
    try {
      this.#authenticate(scope);
      const request = this.#parse(operation, incoming.body, record);
      return await this.#answer(request, record, incoming.signal);
    } catch (error) {
      return this.#failed(error, record);
    }
  }

  #authenticate(scope: Scope | undefined): void {
    const { region } = this.#options.context.account;
    if (scope === undefined) {
      throw new ApiError("MissingAuthenticationTokenException", "Request is missing Authentication Token", {
        violation: "limit",
      });
    }
    if (scope.region !== region || scope.service !== "ecs") {
      throw new ApiError(
        "InvalidSignatureException",
        `Credential should be scoped to a valid region and service: ${region}/ecs, not ${scope.region}/${scope.service}.`,
        { violation: "reference" },
      );
    }
  }

  #parse(operation: string, body: string, record: CallRecord): Record<string, unknown> {
    const schemas = operationSchemas(operation);
    if (schemas === undefined) {
      throw new ApiError("UnknownOperationException", `ECS has no operation ${operation || "(none)"}.`, { violation: "schema" });
    }
    let request: unknown;
    try {
      request = JSON.parse(body);
    } catch {
      throw new ApiError("SerializationException", "The body is not JSON.", { violation: "schema" });
    }
    const problems = schemaProblems(schemas.input, request);
    if (problems.length > 0) {
      const missing = problems.every((problem) => problem.endsWith(": missing"));
      throw missing
        ? invalidParameter(problems.join("; "), "schema")
        : new ApiError("SerializationException", problems.join("; "), { violation: "schema" });
    }
    const checked = request as Record<string, unknown>;
    this.#options.calls.setRequest(record, checked);
    if (!operations.has(operation)) {
      throw new ApiError("UnknownOperationException", `The simulator does not do ${operation}.`, { violation: "unsupported" });
    }
    return checked;
  }

  async #answer(request: Record<string, unknown>, record: CallRecord, signal: AbortSignal): Promise<Reply> {
    const { delayMs, fault } = this.#options.faults.take(this.#facts(request, record));
    if (delayMs > 0) {
      await pause(delayMs, signal);
    }
    if (signal.aborted) {
      fault?.arrive();
      record.outcome = "cut";
      return { kind: "cut" };
    }
    const outcome = fault?.outcome;
    if (fault === undefined || outcome === undefined || outcome.kind === "failures" || outcome.kind === "delay") {
      const reply = this.#operate(request, record, outcome?.kind === "failures" ? outcome.failures : undefined);
      fault?.arrive();
      return reply;
    }
    const accepted = outcome.accepted === true;
    const result = accepted ? this.#attempt(request, record) : undefined;
    fault.arrive();
    switch (outcome.kind) {
      case "exception":
        throw new ApiError(outcome.type, outcome.message ?? "made to fail by a test", {
          status: outcome.status ?? 400,
          fields: outcome.fields ?? {},
        });
      case "cut":
        record.outcome = "cut";
        return { kind: "cut" };
      case "html":
        record.outcome = "html";
        return { kind: "html", status: outcome.status };
      case "hang":
        return this.#hang(fault, request, record, result, signal);
      default:
        return outcome satisfies never;
    }
  }

  /** Holds a call until its fault is released; one whose client gave up meanwhile is not carried out any more. */
  async #hang(
    fault: Fault,
    request: Record<string, unknown>,
    record: CallRecord,
    result: Reply | undefined,
    signal: AbortSignal,
  ): Promise<Reply> {
    record.outcome = "hang";
    const end = await Promise.race([fault.released, aborted(signal)]);
    if (signal.aborted || end === "give up") {
      record.outcome = "cut";
      return { kind: "cut" };
    }
    return result ?? this.#operate(request, record, undefined);
  }

  #attempt(request: Record<string, unknown>, record: CallRecord): Reply {
    try {
      return this.#operate(request, record, undefined);
    } catch (error) {
      return this.#failed(error, record);
    }
  }

  #operate(request: Record<string, unknown>, record: CallRecord, failures: readonly Failure[] | undefined): Reply {
    const { context } = this.#options;
    context.throttle.call(record.operation);
    const operation = operations.get(record.operation);
    const body = operation?.(context, request, { accessKeyId: record.accessKeyId, failures }) ?? {};
    this.#checkReply(operationSchemas(record.operation)?.output, body, record);
    record.outcome = Array.isArray(body["failures"]) && body["failures"].length > 0 ? "failures" : "ok";
    return { kind: "json", status: 200, body };
  }

  #failed(error: unknown, record: CallRecord): Reply {
    if (!(error instanceof ApiError)) {
      this.#violation("reply", `the simulator failed: ${String(error)}`, record);
      throw error;
    }
    record.outcome = error.type;
    if (error.violation !== undefined) {
      this.#violation(error.violation, error.message, record);
    }
    const body = { message: error.message, ...error.fields };
    const schema = errorSchema(error.type);
    if (schema !== undefined) {
      this.#checkReply(schema, body, record);
    }
    return { kind: "json", status: error.status, body: { __type: error.type, ...body } };
  }

  #checkReply(schema: unknown, body: Readonly<Record<string, unknown>>, record: CallRecord): void {
    for (const problem of schemaProblems(schema, body)) {
      this.#violation("reply", problem, record);
    }
  }

  #violation(kind: ViolationKind, message: string, record: CallRecord): void {
    this.#options.violations.push({ kind, operation: record.operation, message, call: record.number });
  }

  #facts(request: Record<string, unknown>, record: CallRecord): CallFacts {
    const { clusters } = this.#options.context;
    const reference = request["cluster"];
    const cluster = clusters.find(typeof reference === "string" ? reference : "default");
    const runs = record.operation === "RunTask" && cluster !== undefined;
    return {
      operation: record.operation,
      accessKeyId: record.accessKeyId,
      cluster: cluster?.name,
      capacities: runs ? requestedCapacities(cluster, request as unknown as RunTaskRequest) : [],
      request,
    };
  }
}
