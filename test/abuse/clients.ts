import { connect, type Socket } from "node:net";

/** Tally is what an abuse did, and what it was answered. */
export interface Tally {
  connections: number;
  /** Requests, begun or whole; 0 where none is ever begun. */
  requests: number;
  bytes: number;
  /** Answers by status. */
  readonly answers: Record<string, number>;
  /** Connections that the server ended, with an answer or without. */
  ended: number;
}

/** newTally counts from nothing. */
export function newTally(): Tally {
  return { connections: 0, requests: 0, bytes: 0, answers: {}, ended: 0 };
}

/** together adds two crowds up. */
export function together(a: Tally, b: Tally): Tally {
  const answers = { ...a.answers };
  for (const [status, count] of Object.entries(b.answers)) answers[status] = (answers[status] ?? 0) + count;
  return {
    connections: a.connections + b.connections,
    requests: a.requests + b.requests,
    bytes: a.bytes + b.bytes,
    answers,
    ended: a.ended + b.ended,
  };
}

/** Client is one connection of an abuser. */
export interface Client {
  /** Says no when the other side takes no more for now. */
  send(data: string | Buffer, requests?: number): boolean;
  onAnswer(handler: () => void): void;
  onRoom(handler: () => void): void;
  readonly socket: Socket;
}

/** Crowd keeps a number of connections open until time is up: one that the server ends is opened again. */
export class Crowd {
  readonly tally: Tally = newTally();
  readonly #port: number;
  readonly #signal: AbortSignal;

  constructor(port: number, signal: AbortSignal) {
    this.#port = port;
    this.#signal = signal;
  }

  /** keep opens so many, has each of them played, and resolves when time is up and all are closed. */
  async keep(count: number, play: (client: Client, signal: AbortSignal) => void): Promise<Tally> {
    await Promise.all(Array.from({ length: count }, async () => await this.#one(play)));
    return this.tally;
  }

  async #one(play: (client: Client, signal: AbortSignal) => void): Promise<void> {
    while (!this.#signal.aborted) await this.#once(play);
  }

  #once(play: (client: Client, signal: AbortSignal) => void): Promise<void> {
    const { tally } = this;
    return new Promise((resolve) => {
      const over = new AbortController();
      const socket = connect({ port: this.#port, host: "127.0.0.1" });
      const stop = (): void => void socket.destroy();
      this.#signal.addEventListener("abort", stop, { once: true });
      let tail = "";
      let answered = (): void => {};
      socket.on("connect", () => {
        tally.connections += 1;
        const client: Client = {
          socket,
          send: (data, requests = 0) => {
            tally.requests += requests;
            tally.bytes += data.length;
            return socket.write(data);
          },
          onAnswer: (handler) => (answered = handler),
          onRoom: (handler) => void socket.on("drain", handler),
        };
        play(client, over.signal);
      });
      socket.on("data", (chunk: Buffer) => {
        // A status line may come in two pieces: what could begin one is kept.
        const text = tail + chunk.toString("latin1");
        let end = 0;
        for (const match of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
          const status = match[1] ?? "";
          tally.answers[status] = (tally.answers[status] ?? 0) + 1;
          end = match.index + match[0].length;
          answered();
        }
        tail = text.slice(Math.max(end, text.length - 12));
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#signal.removeEventListener("abort", stop);
        if (!this.#signal.aborted) tally.ended += 1;
        over.abort();
        // Not at once: a server that refuses connections would keep this thread from anything else.
        setImmediate(resolve);
      });
    });
  }
}

/** dripping sends something again and again for as long as a connection lives. */
export function dripping(client: Client, signal: AbortSignal, everyMs: number, data: string | Buffer): void {
  const timer = setInterval(() => client.send(data), everyMs);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

/** hammering sends the next requests as soon as the ones before are answered, some at a time. */
export function hammering(client: Client, atOnce: number, next: () => string | Buffer): void {
  const send = (): void => {
    client.send(next(), 1);
  };
  client.onAnswer(send);
  for (let count = 0; count < atOnce; count++) send();
}

/** pouring sends pieces as fast as they are taken. */
export function pouring(client: Client, next: () => Buffer | undefined): void {
  const pour = (): void => {
    for (;;) {
      if (client.socket.destroyed) return;
      const piece = next();
      if (piece === undefined || !client.send(piece)) return;
    }
  };
  client.onRoom(pour);
  pour();
}
