import type { Task } from "@aws-sdk/client-ecs";
import type { Message } from "@aws-sdk/client-sqs";
import type { Delivery, Instance } from "../../types.ts";
import { parseEvent } from "./parse-event.ts";
import { longPollSeconds, type QueueApi } from "./sqs-clients.ts";

/** How many receives are made at once while the queue is full: far from the queue, one at a time brings some 50 messages a second. */
const widest = 8;
const perReceive = 10;

/** SeenTask is told of every task that an event shows, also of those that nobody waits for. */
export type SeenTask = (task: Task, instance: Instance) => void;

/**
 * readQueue reads a queue until the signal aborts, and yields what each look brought. Messages are removed when the next delivery is
 * asked for, that is, after they were taken in; those of a reader that crashed appear again. All are removed, whatever they are: the
 * queue has no other reader, and one that cannot be read would come back for ever.
 *
 * The first look does not wait, so that the reader knows at once whether the queue answers. Then one long poll follows the other, and
 * while the queue holds more than a look brings, several short ones are made at once.
 * @throws ProviderError when a call fails; what was received and not removed appears again.
 */
export async function* readQueue(
  api: QueueApi,
  signal: AbortSignal,
  seen: SeenTask = () => {},
): AsyncGenerator<Delivery, void, undefined> {
  let waitSeconds = 0;
  let width = 1;
  while (true) {
    const looks = Array.from({ length: width }, () => api.receive({ waitSeconds, count: perReceive }, signal));
    const messages = (await Promise.all(looks)).flat();
    yield delivery(messages, seen);
    await remove(api, messages, signal);
    width = messages.length === width * perReceive ? Math.min(width * 2, widest) : Math.max(1, Math.floor(width / 2));
    waitSeconds = width === 1 ? longPollSeconds : 0;
  }
}

function delivery(messages: readonly Message[], seen: SeenTask): Delivery {
  const instances: Instance[] = [];
  const unreadable: string[] = [];
  let foreign = 0;
  for (const { Body } of messages) {
    const parsed = parseEvent(Body);
    if (parsed.kind === "change") {
      seen(parsed.task, parsed.instance);
      instances.push(parsed.instance);
    } else if (parsed.kind === "foreign") foreign += 1;
    else unreadable.push(parsed.why);
  }
  return { instances, foreign, unreadable };
}

/** A message that could not be removed appears again and changes nothing then; a call that fails is thrown. */
async function remove(api: QueueApi, messages: readonly Message[], signal: AbortSignal): Promise<void> {
  const handles = messages.flatMap(({ ReceiptHandle }) => ReceiptHandle ?? []);
  const batches: string[][] = [];
  for (let start = 0; start < handles.length; start += perReceive) batches.push(handles.slice(start, start + perReceive));
  await Promise.all(batches.map((batch) => api.remove(batch, signal)));
}
