import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * dropReasons is why a connection is ended before its request was answered.
 *
 * | reason | the connection |
 * |---|---|
 * | evicted | made room for a newer one: of all that wait for their client it had waited longest |
 * | refused | came while every other one was being worked on |
 * | tooSlow | did not bring its headers or its body in time |
 * | headersTooLarge | sent more than 16 KiB or 100 of them |
 * | pipelined | brought more requests without waiting for answers than are worked on at a time |
 * | malformed | sent what is no HTTP, or what two servers could read differently (both Content-Length and Transfer-Encoding) |
 */
export const dropReasons = ["evicted", "refused", "pipelined", "tooSlow", "headersTooLarge", "malformed"] as const;
export type DropReason = (typeof dropReasons)[number];

/** ConnectionWatch hears of a server's connections; the calls come on every connection, so they must be cheap. */
export interface ConnectionWatch {
  opened(): void;
  closed(): void;
  dropped(reason: DropReason): void;
}

/** GuardOptions: how many connections a server holds at most, and who hears of them. */
export interface GuardOptions {
  readonly maxConnections: number;
  readonly watch?: ConnectionWatch;
}

/** Head of a request, whichever client it is. GitHub's takes a few packets. */
const headersTimeout = 5_000;
/** A whole request, whatever its handler thinks of the time. */
const requestTimeout = 15_000;
/** Longer than the minute that load balancers keep a connection by default, so that they end it and never send into a closing one. */
const keepAliveTimeout = 65_000;
/** Without a byte in either direction while a request is in hand: a client that does not read its answers would be kept for ever. */
const silenceTimeout = 30_000;
const connectionsCheckingInterval = 2_000;
const maxHeaderSize = 16 * 1024;
/**
 * Requests of one connection at a time. Neither GitHub nor a proxy sends the next before it has the answer, and one packet holds a thousand
 * small ones, which would all be begun at once.
 */
const maxAtOnce = 8;
/** GitHub sends about 15, and proxies add some. */
const maxHeadersCount = 100;

/**
 * createGuardedServer makes an HTTP server that strangers may talk to. Node's own limits are set by name, so that neither NODE_OPTIONS
 * nor another version loosens them; and where there is no room for a new connection the one that has waited longest for its client goes,
 * instead of the new one. So a crowd of slow clients cannot lock anybody out: an honest one sends its request within milliseconds.
 */
export function createGuardedServer({ maxConnections, watch }: GuardOptions, listener: RequestListener): Server {
  const server = createServer({
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    connectionsCheckingInterval,
    maxHeaderSize,
    insecureHTTPParser: false,
    requireHostHeader: true,
  });
  server.maxHeadersCount = maxHeadersCount;
  server.setTimeout(silenceTimeout);
  // In the order in which they came, had a whole head or gave an answer last, each with the answers that it still owes.
  const open = new Map<Socket, Set<ServerResponse>>();

  const drop = (socket: Socket, reason: DropReason): void => {
    open.delete(socket);
    watch?.dropped(reason);
    socket.destroy();
  };
  server.on("connection", (socket) => {
    watch?.opened();
    // The socket's own "close" comes later, also for one that is dropped here.
    socket.once("close", () => {
      open.delete(socket);
      watch?.closed();
    });
    if (open.size >= maxConnections) {
      const victim = longestWaiting(open);
      if (victim === undefined) return drop(socket, "refused");
      drop(victim, "evicted");
    }
    open.set(socket, new Set());
  });
  server.on("request", (request, response) => {
    const { socket } = request;
    const moved = (): Set<ServerResponse> | undefined => {
      const owed = open.get(socket);
      if (owed === undefined) return undefined;
      open.delete(socket);
      open.set(socket, owed);
      return owed;
    };
    const owed = moved();
    // Dropped, and this is what was left in the packet.
    if (owed === undefined) return;
    if (owed.size >= maxAtOnce) return drop(socket, "pipelined");
    owed.add(response);
    response.once("close", () => void moved()?.delete(response));
    listener(request, response);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const fault = faultOf(error.code);
    if (fault === undefined) return void socket.destroy();
    watch?.dropped(fault.reason);
    const owed = open.get(socket as Socket);
    // Once an answer has begun, another one would be read as a part of it.
    const hasBegun = owed !== undefined && [...owed].some(({ headersSent }) => headersSent);
    if (hasBegun || !socket.writable) return void socket.destroy();
    socket.end(`HTTP/1.1 ${fault.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
  });
  return server;
}

/**
 * By time alone: were the silent ones to go first, a newcomer whose request is a millisecond away would go before a crowd that holds its
 * bodies back. A connection with an answer in the making does not wait for its client.
 */
function longestWaiting(open: ReadonlyMap<Socket, ReadonlySet<ServerResponse>>): Socket | undefined {
  for (const [socket, owed] of open) {
    if ([...owed].every(({ req, writableEnded }) => !req.complete || writableEnded)) return socket;
  }
  return undefined;
}

function faultOf(code = ""): { readonly reason: DropReason; readonly status: string } | undefined {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return { reason: "tooSlow", status: "408 Request Timeout" };
  if (code === "HPE_HEADER_OVERFLOW") return { reason: "headersTooLarge", status: "431 Request Header Fields Too Large" };
  if (code.startsWith("HPE_")) return { reason: "malformed", status: "400 Bad Request" };
  // The client is gone.
  return undefined;
}
