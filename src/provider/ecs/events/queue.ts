import type { ECSRunnerClassSpec } from "../../../api/v1alpha1/ecs-runner-class.ts";
import { isProviderError } from "../../errors.ts";
import type { Feed, Finding } from "../../types.ts";
import { accountKey, connectionOf } from "../connection.ts";
import { warning } from "../finding.ts";
import { quote } from "../quote.ts";
import { readQueue, type SeenTask } from "./read-queue.ts";
import type { QueueApi, QueuePlace, SqsClients } from "./sqs-clients.ts";

/** A well-formed entry that names no message: asking to remove it needs the right to remove, and removes nothing. */
const noMessage = "getabako-check";

/** A queue that hangs must not take the time of the class' other checks. */
const longestProbeMs = 10_000;

/** queueOf is the queue that a class names, if it names one. */
export function queueOf(spec: ECSRunnerClassSpec): QueuePlace | undefined {
  return spec.events === undefined ? undefined : { queueUrl: spec.events.queueUrl, connection: connectionOf(spec) };
}

/** queueFeed is the stream of a class' queue. Classes that reach one queue by the same way share it, whatever their clusters. */
export function queueFeed(clients: SqsClients, spec: ECSRunnerClassSpec, seen: SeenTask): Feed | undefined {
  const place = queueOf(spec);
  if (place === undefined) return undefined;
  // The endpoint of ECS says nothing about a queue.
  const { region, assumeRoleArn } = place.connection;
  const account = accountKey({ region, cluster: "", ...(assumeRoleArn !== undefined && { assumeRoleArn }) });
  return {
    key: `${account} ${place.queueUrl}`,
    address: place.queueUrl,
    open: (signal) => readQueue(clients.for(place), signal, seen),
  };
}

/**
 * queueFindings says what is wrong with a class' queue: a Warning in any case, since tasks are read by polling without it. It uses the two
 * rights that the reader needs and no other, removes nothing, and hides no message from the reader. (Only the count of receives of one
 * message rises, which a redrive policy looks at.)
 */
export async function queueFindings(
  clients: SqsClients,
  spec: ECSRunnerClassSpec,
  signal: AbortSignal,
  probeMs = longestProbeMs,
): Promise<readonly Finding[]> {
  const place = queueOf(spec);
  if (place === undefined) return [];
  const region = regionOf(place.queueUrl);
  if (region !== undefined && region !== spec.region) {
    return [
      warning(
        "QueueUnreachable",
        `events.queueUrl is a queue of ${region}, the class is in ${spec.region}: an EventBridge rule reaches queues of its own Region only`,
      ),
    ];
  }
  try {
    await probe(clients.for(place), AbortSignal.any([signal, AbortSignal.timeout(probeMs)]));
    return [];
  } catch (error) {
    signal.throwIfAborted();
    const why = isProviderError(error)
      ? error.message
      : `queue ${quote(place.queueUrl)} gave no answer within ${probeMs / 1_000} s: check events.queueUrl, and the network's way to SQS`;
    return [warning("QueueUnreachable", `tasks are read by polling: ${why}`)];
  }
}

async function probe(api: QueueApi, signal: AbortSignal): Promise<void> {
  await api.receive({ waitSeconds: 0, count: 1, hiddenSeconds: 0 }, signal);
  await api.remove([noMessage], signal);
}

/** The Region in the URL of AWS' own queues, of today and of before 2013. */
function regionOf(queueUrl: string): string | undefined {
  const hostname = URL.parse(queueUrl)?.hostname ?? "";
  return (/^sqs\.([a-z0-9-]+)\.amazonaws\./.exec(hostname) ?? /^([a-z0-9-]+)\.queue\.amazonaws\./.exec(hostname))?.[1];
}
