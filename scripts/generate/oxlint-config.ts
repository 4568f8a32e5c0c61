import { importOverrides, outsideOverride } from "./import-rules.ts";
import type { Folder } from "./import-table.ts";

/** oxlintConfig is the whole of .oxlintrc.json. */
export function oxlintConfig(table: readonly Folder[]): Record<string, unknown> {
  return {
    $schema: "./node_modules/oxlint/configuration_schema.json",
    plugins: ["typescript", "import", "unicorn", "oxc", "vitest"],
    categories: { correctness: "error" },
    ignorePatterns: ["dist", "artifacts", "coverage"],
    rules: {
      "typescript/no-floating-promises": "error",
      "typescript/no-misused-promises": "error",
      "typescript/await-thenable": "error",
      "typescript/switch-exhaustiveness-check": "error",
      "typescript/no-explicit-any": "error",
      "typescript/consistent-type-imports": "error",
      "typescript/ban-ts-comment": "error",
      "typescript/only-throw-error": "error",
      "import/no-cycle": "error",
      "import/no-self-import": "error",
      "import/no-default-export": "error",
      "oxc/no-barrel-file": ["error", { threshold: 0 }],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // A copy before a loop that changes the original is no useless spread.
      "unicorn/no-useless-spread": "off",
      "vitest/require-to-throw-message": "off",
      // Many expectations live in functions that several tests share.
      "vitest/expect-expect": "off",
      "no-var": "error",
      "prefer-const": "error",
      "max-lines": ["warn", { max: 350, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["warn", { max: 80, skipBlankLines: true, skipComments: true }],
      "max-depth": ["warn", 4],
      complexity: ["warn", 20],
    },
    overrides: [
      { files: ["src/**/*.ts"], rules: { "no-console": "error" } },
      { files: ["**/*.test.ts", "test/**/*.ts"], rules: { "max-lines-per-function": "off" } },
      { files: ["*.config.ts"], rules: { "import/no-default-export": "off" } },
      outsideOverride(["src/main.ts", "test/**/*.ts", "scripts/**/*.ts", "demo/**/*.ts"]),
      ...importOverrides(table),
    ],
  };
}
