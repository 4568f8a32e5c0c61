import type { IncomingMessage } from "node:http";

/** A body of 25 MB comes in some 400 pieces; one of single bytes in millions, each of which costs as much. */
const maxPieces = 1_000;

/** discardBody reads what is left of a body and forgets it, up to a number of pieces: then the connection ends. */
export function discardBody(request: IncomingMessage): void {
  let pieces = 0;
  request.on("data", () => {
    pieces += 1;
    if (pieces > maxPieces) request.destroy();
  });
  request.resume();
}
