import type { OperatorProcess } from "../support/operator.ts";
import { shippedNodeArgs } from "../support/shipped-options.ts";
import { until } from "../support/until.ts";

/** inspectableEnv lets each process take an inspector's port of its own when it is told to listen (SIGUSR1). */
export async function inspectableEnv(): Promise<{ readonly NODE_OPTIONS: string }> {
  return { NODE_OPTIONS: ["--inspect-port=127.0.0.1:0", ...(await shippedNodeArgs())].join(" ") };
}

/**
 * liveHeapMiB is what an operator's heap holds after a full collection. Resident memory says little about that: V8 gives it back late, so
 * a process that had a busy minute looks as if it leaked. Undefined if the process has ended, or does not answer.
 */
export async function liveHeapMiB(operator: OperatorProcess): Promise<number | undefined> {
  operator.inspect();
  const url = await inspectorOf(operator).catch(() => undefined);
  if (url === undefined) return undefined;
  const socket = new WebSocket(url);
  try {
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve, { once: true });
      socket.addEventListener("error", () => reject(new Error("no inspector")), { once: true });
    });
    await ask(socket, 1, "HeapProfiler.collectGarbage");
    const { usedSize } = (await ask(socket, 2, "Runtime.getHeapUsage")) as { usedSize: number };
    return Math.round(usedSize / 1024 / 1024);
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

/** Node says on stderr where the inspector listens, some moments after the signal. */
async function inspectorOf(operator: OperatorProcess): Promise<string> {
  return await until("the inspector to listen", 5_000, () => {
    const found = /Debugger listening on (ws:\S+)/.exec(operator.log.join("\n"))?.[1];
    if (found === undefined) throw new Error("the operator has not said where");
    return found;
  });
}

async function ask(socket: WebSocket, id: number, method: string): Promise<unknown> {
  const answer = new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(10_000);
    signal.addEventListener("abort", () => reject(new Error(`${method} was not answered`)));
    socket.addEventListener(
      "message",
      ({ data }) => {
        const message = JSON.parse(String(data)) as { id?: number; result?: unknown };
        if (message.id === id) resolve(message.result);
      },
      { signal },
    );
  });
  socket.send(JSON.stringify({ id, method }));
  return await answer;
}
