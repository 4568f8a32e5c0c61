import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { readElf } from "./elf.ts";

it.skipIf(process.platform !== "linux")("finds in a program what its loader will look for", async () => {
  const { interpreter, needed } = await readElf(process.execPath);
  expect(interpreter).toMatch(/^\/lib(64)?\/ld-linux-/);
  expect(needed).toContain("libc.so.6");
  // The loader's own word: what it was asked for is in what it finds.
  const found = execFileSync("ldd", [process.execPath], { encoding: "utf8" });
  for (const name of needed) expect(found).toContain(name);
});

it("refuses what is no such file", async () => {
  await expect(readElf(fileURLToPath(import.meta.url))).rejects.toThrow("is no 64-bit little-endian ELF file");
});
