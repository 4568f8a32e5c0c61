import { randomBytes } from "node:crypto";
import { METHODS } from "node:http";
import { gzipSync } from "node:zlib";
import { aborted } from "../../src/kube/abort.ts";
import { Crowd, dripping, hammering, newTally, pouring, type Tally, together } from "./clients.ts";

/** Victim is where an abuser finds the operator, and what it knows of it: the id of an App is public. */
export interface Victim {
  readonly webhookPort: number;
  readonly telemetryPort: number;
  readonly appId: string;
}

/** Abuse is one way to be a nuisance. */
export interface Abuse {
  readonly about: string;
  /** Plays until the signal aborts. */
  readonly play: (victim: Victim, signal: AbortSignal) => Promise<Tally>;
}

const mebibyte = 1024 * 1024;
/** Twice as many as the server holds. */
const many = 4_000;

function head({ appId }: Victim, ...lines: readonly string[]): string {
  return [
    "POST /webhook HTTP/1.1",
    "Host: getabako",
    "Content-Type: application/json",
    "X-GitHub-Event: workflow_job",
    `X-GitHub-Hook-Installation-Target-ID: ${appId}`,
    `X-Hub-Signature-256: sha256=${"0".repeat(64)}`,
    ...lines,
    "\r\n",
  ].join("\r\n");
}

function badlySigned(victim: Victim): string {
  const body = `{"action":"queued","filler":"${"x".repeat(9_000)}"}`;
  return `${head(victim, `Content-Length: ${body.length}`)}${body}`;
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

function turnsOf(...texts: readonly string[]): () => string {
  let turn = 0;
  return () => texts[turn++ % texts.length] ?? "";
}

/** abuses by the names of the command line. */
export const abuses = {
  none: {
    about: "nobody but honest senders: what the others are compared with",
    play: async (_victim, signal) => {
      await aborted(signal).promise;
      return newTally();
    },
  },
  silent: {
    about: `${many} connections on which nothing is ever said`,
    play: ({ webhookPort }, signal) => new Crowd(webhookPort, signal).keep(many, () => {}),
  },
  "slow-headers": {
    about: `${many} clients that send their headers a line each half second`,
    play: ({ webhookPort }, signal) =>
      new Crowd(webhookPort, signal).keep(many, (client, over) => {
        client.send("POST /webhook HTTP/1.1\r\nHost: a\r\n", 1);
        dripping(client, over, 500, "A: b\r\n");
      }),
  },
  "slow-bodies": {
    about: `${many} clients that send their body a byte each half second`,
    play: (victim, signal) =>
      new Crowd(victim.webhookPort, signal).keep(many, (client, over) => {
        client.send(head(victim, "Content-Length: 10000"), 1);
        dripping(client, over, 500, "x");
      }),
  },
  "never-read": {
    about: "200 clients that send requests without end and read no answer",
    play: ({ webhookPort }, signal) =>
      new Crowd(webhookPort, signal).keep(200, (client) => {
        client.socket.pause();
        const requests = Buffer.from("GET /webhook HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500));
        pouring(client, () => requests);
      }),
  },
  "large-bodies": {
    about: "16 clients with bodies of 24 MiB, badly signed",
    play: (victim, signal) =>
      new Crowd(victim.webhookPort, signal).keep(16, (client) => {
        const piece = Buffer.alloc(mebibyte, 0x20);
        let sent = 0;
        client.send(head(victim, `Content-Length: ${24 * mebibyte}`), 1);
        pouring(client, () => (sent++ < 24 ? piece : undefined));
      }),
  },
  hoarding: {
    about: "8 clients that send 24 MiB and then hold the rest back",
    play: (victim, signal) =>
      new Crowd(victim.webhookPort, signal).keep(8, (client) => {
        const piece = chunk(Buffer.alloc(mebibyte, 0x20));
        let sent = 0;
        client.send(head(victim, "Transfer-Encoding: chunked"), 1);
        pouring(client, () => (sent++ < 24 ? piece : undefined));
      }),
  },
  "held-bodies": {
    about: `${many} clients that hold the end of 30 KiB back, beside 4 that do so with 24 MiB`,
    play: async (victim, signal) => {
      const small = Buffer.alloc(30 * 1024, 0x20);
      const large = chunk(Buffer.alloc(mebibyte, 0x20));
      const [held, hoarded] = await Promise.all([
        new Crowd(victim.webhookPort, signal).keep(many, (client) => {
          client.send(head(victim, `Content-Length: ${small.length + 1}`), 1);
          client.send(small);
        }),
        new Crowd(victim.webhookPort, signal).keep(4, (client) => {
          let sent = 0;
          client.send(head(victim, "Transfer-Encoding: chunked"), 1);
          pouring(client, () => (sent++ < 24 ? large : undefined));
        }),
      ]);
      return together(held, hoarded);
    },
  },
  endless: {
    about: "8 clients whose chunked body has no end",
    play: (victim, signal) =>
      new Crowd(victim.webhookPort, signal).keep(8, (client) => {
        const piece = chunk(Buffer.alloc(mebibyte, 0x20));
        client.send(head(victim, "Transfer-Encoding: chunked"), 1);
        pouring(client, () => piece);
      }),
  },
  "tiny-chunks": {
    about: "16 clients whose body comes in chunks of one byte",
    play: (victim, signal) =>
      new Crowd(victim.webhookPort, signal).keep(16, (client) => {
        const pieces = Buffer.from("1\r\nx\r\n".repeat(10_000));
        client.send(head(victim, "Transfer-Encoding: chunked"), 1);
        pouring(client, () => pieces);
      }),
  },
  "header-floods": {
    about: "64 clients that send 15 KiB of headers, then more than fit, then too many",
    play: (victim, signal) => {
      const large = `X: ${"x".repeat(15_000)}`;
      const next = turnsOf(
        head(victim, large, "Content-Length: 0"),
        head(victim, large, large),
        head(victim, ...Array.from({ length: 1_000 }, (_, index) => `A${index}: b`)),
      );
      return new Crowd(victim.webhookPort, signal).keep(64, (client) => hammering(client, 1, next));
    },
  },
  "wrong-requests": {
    about: "64 clients with every method, other paths, other content types and compressed bodies",
    play: (victim, signal) => {
      const packed = gzipSync(Buffer.alloc(10 * mebibyte)).toString("latin1");
      const plain = METHODS.filter((method) => method !== "CONNECT").map(
        (method) => `${method} /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`,
      );
      const next = turnsOf(
        ...plain,
        "POST /admin HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        head(victim, "Content-Length: 2").replace("application/json", "text/xml") + "{}",
        head(victim, `Content-Length: ${packed.length}`, "Content-Encoding: gzip") + packed,
        head(victim, `Content-Length: 2`).replace(victim.appId, "42") + "{}",
      );
      return new Crowd(victim.webhookPort, signal).keep(64, (client) =>
        hammering(client, 2, () => Buffer.from(next(), "latin1")),
      );
    },
  },
  smuggling: {
    about: "64 clients with requests that two servers could read differently",
    play: ({ webhookPort }, signal) => {
      const inner = "POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
      const next = turnsOf(
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n${inner}`,
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`,
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`,
        `POST / HTTP/1.1\r\nHost: a\r\nX: a\rContent-Length: 9\r\n\r\n${inner}`,
      );
      return new Crowd(webhookPort, signal).keep(64, (client) => client.send(next(), 1));
    },
  },
  noise: {
    about: "64 clients that send random bytes, among them the beginnings of TLS and HTTP/2",
    play: ({ webhookPort }, signal) => {
      const starts = turnsOf("", "\u0016\u0003\u0001", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "POST /webhook HTTP/1.1\r\n");
      return new Crowd(webhookPort, signal).keep(64, (client) =>
        client.send(Buffer.concat([Buffer.from(starts(), "latin1"), randomBytes(2_000)]), 1),
      );
    },
  },
  "bad-signatures": {
    about: "64 clients with deliveries of 9 kB that are badly signed, 4 at a time each",
    play: (victim, signal) => {
      const request = badlySigned(victim);
      return new Crowd(victim.webhookPort, signal).keep(64, (client) => hammering(client, 4, () => request));
    },
  },
  churn: {
    about: "64 clients that send a badly signed delivery on a new connection each",
    play: (victim, signal) => {
      const request = badlySigned(victim);
      return new Crowd(victim.webhookPort, signal).keep(64, (client) => {
        client.send(request, 1);
        client.onAnswer(() => client.socket.destroy());
      });
    },
  },
  metrics: {
    about: "32 clients that ask for the metrics without pause",
    play: ({ telemetryPort }, signal) =>
      new Crowd(telemetryPort, signal).keep(32, (client) =>
        hammering(client, 1, () => "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
      ),
  },
  "metrics-silent": {
    about: "500 connections to the metrics' port on which nothing is ever said",
    play: ({ telemetryPort }, signal) => new Crowd(telemetryPort, signal).keep(500, () => {}),
  },
} as const satisfies Record<string, Abuse>;

export type AbuseName = keyof typeof abuses;
export const abuseNames = Object.keys(abuses) as AbuseName[];
