import fc from "fast-check";
import { expect, test } from "vitest";
import { plainText } from "./plain-text.ts";

test("text that fits stays as it is", () => {
  expect(plainText("ビルド (node 24) 🚀", 300)).toBe("ビルド (node 24) 🚀");
});

test("control characters become spaces, so that no terminal obeys them", () => {
  expect(plainText("a\u001b[31mred\r\nb\u0000\u009bc", 300)).toBe("a [31mred b c");
});

test("a cut never leaves half a character", () => {
  expect(plainText("ab🚀", 3)).toBe("ab");
  expect(plainText("ab🚀", 4)).toBe("ab🚀");
});

test("half a character that was there before becomes the replacement character", () => {
  expect(plainText("a\ud83db", 300)).toBe("a\ufffdb");
});

/** Whole characters of one and two units, halves of them, and what terminals obey. */
const unit = fc.constantFrom("a", "é", "長", "🚀", "\ud83d", "\udc00", "\u0000", "\u001b", "\u009b", "\n", " ");

test("whatever comes in, the result is well formed and fits", () => {
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 30 }), fc.nat(20), (text, max) => {
      const plain = plainText(text, max);
      expect(plain.length).toBeLessThanOrEqual(max);
      expect(plain.isWellFormed()).toBe(true);
      expect(plain).not.toMatch(/\p{Cc}/u);
    }),
  );
});
