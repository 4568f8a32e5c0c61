import { expect, test, vi } from "vitest";
import { FakeClock } from "../../../test/support/clock.ts";
import { shared } from "./client-config.ts";

const minute = 60_000;

interface Loaded {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly expiration?: Date;
}

/** Loads key-1, key-2 and so on. */
function loader(expiresMs?: () => number) {
  let count = 0;
  return vi.fn<() => Promise<Loaded>>(async () => {
    count += 1;
    const expiration = expiresMs === undefined ? {} : { expiration: new Date(expiresMs()) };
    return { accessKeyId: `key-${count}`, secretAccessKey: "secret", ...expiration };
  });
}

test("credentials are loaded once for all who ask, and again five minutes before they expire", async () => {
  const clock = new FakeClock();
  const load = loader(() => clock.now() + 60 * minute);
  const ask = shared(load, clock);
  const keyOf = async () => (await ask()).accessKeyId;
  expect(await Promise.all([keyOf(), keyOf(), keyOf()])).toEqual(["key-1", "key-1", "key-1"]);
  clock.advance(54 * minute);
  expect(await keyOf()).toBe("key-1");
  clock.advance(minute);
  expect(await keyOf()).toBe("key-2");
});

test("a failure is not remembered, and a client may insist on new ones", async () => {
  const load = loader();
  load.mockRejectedValueOnce(new Error("no STS"));
  const ask = shared(load);
  await expect(ask()).rejects.toThrow("no STS");
  expect((await ask()).accessKeyId).toBe("key-1");
  expect((await ask()).accessKeyId).toBe("key-1");
  expect((await ask({ forceRefresh: true } as never)).accessKeyId).toBe("key-2");
});
