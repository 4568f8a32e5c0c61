import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parseLdd, runtimeFiles } from "./runtime-files.ts";

it("reads the libraries out of what ldd prints", () => {
  const printed = `
\tlinux-vdso.so.1 (0x00007f2470d65000)
\tlibstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f2470a00000)
\tlibc.so.6 => /usr/lib/x86_64-linux-gnu/libc.so.6 (0x00007f247081e000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f2470d67000)
`;
  expect(parseLdd(printed)).toEqual([
    "/lib/x86_64-linux-gnu/libstdc++.so.6",
    "/usr/lib/x86_64-linux-gnu/libc.so.6",
    "/lib64/ld-linux-x86-64.so.2",
  ]);
});

it.each([
  ["\tlibstdc++.so.6 => not found\n", "libstdc++.so.6 is not installed: apt-get install libc6 libgcc-s1 libstdc++6"],
  ["\tstatically linked\n", "ldd named no libraries"],
])("says what is wrong with %j", (printed, problem) => {
  expect(() => parseLdd(printed)).toThrow(problem);
});

it("says what to do where Node.js was not installed as a package", async () => {
  const empty = await mkdtemp(join(tmpdir(), "getabako-empty-"));
  onTestFinished(() => rm(empty, { recursive: true }));
  await expect(runtimeFiles(empty)).rejects.toThrow(
    /bin\/node is missing: run `npm ci` on Linux .* or build the image with `docker build/,
  );
});
