import { expect, onTestFinished } from "vitest";
import type { ECSRunnerClassSpec } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import type { OpenEcsSender } from "../../src/provider/ecs/clients.ts";
import { createEcsProvider, type EcsProvider } from "../../src/provider/ecs/provider.ts";
import type { OpenS3Sender } from "../../src/provider/ecs/s3-store.ts";
import type { Launch, Place, ResolvedClass } from "../../src/provider/types.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import type { EcsSimOptions } from "../sim/ecs/options.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { type CapturedLog, captureLog } from "../support/capture-log.ts";
import { FakeClock } from "../support/clock.ts";
import { ecsClass } from "./ecs-class.ts";
import { makeLaunch, placeOf } from "./launches.ts";

/** EcsBench is an ECS provider on a simulator of its own that moves only when told; both end with the test. */
export interface EcsBench {
  readonly sim: EcsSim;
  readonly provider: EcsProvider;
  readonly clock: FakeClock;
  readonly log: CapturedLog;
  readonly cls: ResolvedClass<ECSRunnerClassSpec>;
  readonly place: Place;
  readonly launch: (overrides?: Partial<Launch<ECSRunnerClassSpec>>) => Launch<ECSRunnerClassSpec>;
  /** A provider that remembers nothing, as after a restart of the operator. */
  readonly restarted: () => EcsProvider;
  /** What create() throws. */
  readonly failure: (launch: Launch<ECSRunnerClassSpec>, provider?: EcsProvider) => Promise<Error>;
}

/** EcsBenchOptions are the simulator's, and what is special about the class. */
export interface EcsBenchOptions extends EcsSimOptions {
  readonly spec?: Partial<ECSRunnerClassSpec>;
  /** For how long an answer is waited for; short where none comes. */
  readonly patienceMs?: number;
  /** How many times faster than AWS allows calls may go. The bench's clock stands still, so no token comes after those of the start. */
  readonly pace?: number;
  /** Makes clients of S3, where the class delivers by it. */
  readonly openS3Sender?: OpenS3Sender;
  /** Sees every call to ECS with what ECS answered. */
  readonly onCall?: (call: { readonly input: unknown; readonly output: unknown }) => void;
  /** Whether the test sends what ECS would not accept: otherwise it ends by expecting that it did not. */
  readonly violates?: boolean;
}

/** ecsBench makes one. */
export async function ecsBench({
  spec,
  violates = false,
  patienceMs = 15_000,
  pace = 1_000,
  openS3Sender,
  onCall,
  ...options
}: EcsBenchOptions = {}): Promise<EcsBench> {
  const sim = await startEcsSim({ timings: 0, ...options });
  const clock = new FakeClock();
  const log = captureLog();
  const providers: EcsProvider[] = [];
  // One try: what a single lost answer does is the point of many tests.
  const openSender: OpenEcsSender = async ({ region, endpoint }) => {
    const sdk = await import("@aws-sdk/client-ecs");
    const requestHandler = { requestTimeout: patienceMs, throwOnRequestTimeout: true };
    const config = { ...sim.clientConfig, region, ...(endpoint !== undefined && { endpoint }), maxAttempts: 1, requestHandler };
    const client = new sdk.ECSClient(config);
    client.middlewareStack.add((next) => async (call) => {
      const answer = await next(call);
      onCall?.({ input: call.input, output: answer.output });
      return answer;
    });
    return { sdk, client };
  };
  const restarted = (): EcsProvider => {
    const provider = createEcsProvider({
      clock,
      log: createLogger({ level: "debug", destination: log.destination }),
      pace,
      openSender,
      ...(openS3Sender !== undefined && { openS3Sender }),
      openSqsSender: async ({ queueUrl, connection }) => {
        const sdk = await import("@aws-sdk/client-sqs");
        const requestHandler = { requestTimeout: 30_000, throwOnRequestTimeout: true };
        const { credentials } = sim.clientConfig;
        const config = {
          endpoint: new URL(queueUrl).origin,
          region: connection.region,
          credentials,
          maxAttempts: 1,
          requestHandler,
        };
        return { sdk, client: new sdk.SQSClient(config) };
      },
    });
    providers.push(provider);
    return provider;
  };
  const provider = restarted();
  const cls = ecsClass({ region: sim.region, endpoint: sim.url, ...spec });
  onTestFinished(async () => {
    await Promise.all(providers.map((each) => each.close()));
    await sim.close();
    if (!violates) expect(sim.violations).toEqual([]);
  });
  return {
    sim,
    provider,
    clock,
    log,
    cls,
    place: placeOf(provider, cls),
    launch: (overrides) => makeLaunch(cls, overrides),
    restarted,
    failure: (launch, by = provider) =>
      by.create(launch, new AbortController().signal).then(
        () => Promise.reject(new Error("create() should have thrown")),
        (error: unknown) => error as Error,
      ),
  };
}
