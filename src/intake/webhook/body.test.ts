import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { BodyReader } from "./body.ts";

const never = new AbortController().signal;

function incoming(headers: Record<string, string> = {}): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  Object.assign(message.headers, headers);
  return message;
}

test("a body is what was sent", async () => {
  const message = incoming();
  const body = new BodyReader({ maxBytes: 10, uncountedBytes: 0, maxTotalBytes: 10 }).read(message, never);
  message.push("hello");
  message.push("world");
  message.push(null);
  expect(await body).toMatchObject({ state: "read", bytes: Buffer.from("helloworld") });
});

test("one byte more than the limit is too large", async () => {
  const message = incoming();
  const body = new BodyReader({ maxBytes: 4, uncountedBytes: 0, maxTotalBytes: 100 }).read(message, never);
  message.push("hello");
  expect(await body).toEqual({ state: "tooLarge" });
});

test("an announced length beyond the limit is refused unread", async () => {
  const message = incoming({ "content-length": "5" });
  expect(await new BodyReader({ maxBytes: 4, uncountedBytes: 0, maxTotalBytes: 100 }).read(message, never)).toEqual({
    state: "tooLarge",
  });
  expect(message.listenerCount("data")).toBe(0);
});

test("all bodies together have a limit, and a body that was released counts no more", async () => {
  const bodies = new BodyReader({ maxBytes: 10, uncountedBytes: 0, maxTotalBytes: 12 });
  const take = async (text: string, headers = {}) => {
    const message = incoming(headers);
    const body = bodies.read(message, never);
    message.push(text);
    message.push(null);
    return await body;
  };
  const first = await take("12345678");
  expect(await take("12345")).toEqual({ state: "busy" });
  expect(await take("12345", { "content-length": "5" })).toEqual({ state: "busy" });
  // What was refused is not held either.
  expect(await take("1234")).toMatchObject({ state: "read" });
  if (first.state === "read") first.release();
  expect(await take("12345678")).toMatchObject({ state: "read" });
});

test("a release that is repeated gives back once", async () => {
  const bodies = new BodyReader({ maxBytes: 10, uncountedBytes: 0, maxTotalBytes: 10 });
  const take = async () => {
    const message = incoming();
    const body = bodies.read(message, never);
    message.push("123456");
    message.push(null);
    return await body;
  };
  const first = await take();
  if (first.state !== "read") throw new Error(first.state);
  first.release();
  first.release();
  expect(await take()).toMatchObject({ state: "read" });
  expect(await take()).toEqual({ state: "busy" });
});

test("time that is up, and a sender who leaves, end the wait", async () => {
  const bodies = new BodyReader({ maxBytes: 10, uncountedBytes: 0, maxTotalBytes: 10 });
  const stop = new AbortController();
  const slow = bodies.read(incoming(), stop.signal);
  stop.abort();
  expect(await slow).toEqual({ state: "tooSlow" });
  expect(await bodies.read(incoming(), stop.signal)).toEqual({ state: "tooSlow" });

  const message = incoming();
  const left = bodies.read(message, never);
  message.push("123456789");
  message.destroy();
  expect(await left).toEqual({ state: "gone" });
});

test("small bodies are taken however much large ones hold", async () => {
  const bodies = new BodyReader({ maxBytes: 10, uncountedBytes: 5, maxTotalBytes: 5 });
  const take = async (text: string) => {
    const message = incoming();
    const body = bodies.read(message, never);
    message.push(text);
    message.push(null);
    return await body;
  };
  expect(await take("1234567890")).toMatchObject({ state: "read" });
  expect(await take("1234567890")).toEqual({ state: "busy" });
  for (let count = 0; count < 3; count++) expect(await take("12345")).toMatchObject({ state: "read" });
});

test("a body that comes byte by byte is held as its bytes: a list of the pieces would take a hundred times as much", async () => {
  const message = incoming();
  const body = new BodyReader({ maxBytes: 10, uncountedBytes: 0, maxTotalBytes: 10 }).read(message, never);
  const piece = Buffer.from("a");
  message.emit("data", piece);
  // Whoever kept the piece itself would see it change.
  piece.write("b");
  message.emit("data", piece);
  message.emit("end");
  expect(await body).toMatchObject({ state: "read", bytes: Buffer.from("ab") });
});

test("what a growing body takes is counted with the room that it has left", async () => {
  const bodies = new BodyReader({ maxBytes: 100, uncountedBytes: 0, maxTotalBytes: 16 });
  const message = incoming();
  const body = bodies.read(message, never);
  message.push("1234567890");
  message.push("1");
  expect(await body).toEqual({ state: "busy" });
});

test("a body in crumbs is given up, and its connection ended; one in ordinary pieces is taken", async () => {
  const bodies = new BodyReader({ maxBytes: 1_000_000, uncountedBytes: 0, maxTotalBytes: 1_000_000 });
  const crumbs = incoming();
  const given = bodies.read(crumbs, never);
  for (let count = 0; count <= 1_010; count++) crumbs.emit("data", Buffer.from("x"));
  expect(await given).toEqual({ state: "crumbs" });
  expect(crumbs.destroyed).toBe(true);

  const pieces = incoming();
  const taken = bodies.read(pieces, never);
  for (let count = 0; count < 1_300; count++) pieces.emit("data", Buffer.alloc(500));
  pieces.emit("end");
  expect(await taken).toMatchObject({ state: "read", bytes: { length: 650_000 } });
});
