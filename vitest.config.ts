import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    sequence: { shuffle: true },
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // One process for many files: they are pure, or clean up after themselves, and a new one for each is half of the time.
          isolate: false,
          // A bound for the worst machine; what a unit test waits for is there at once.
          testTimeout: 30_000,
          expect: { poll: { timeout: 15_000 } },
          include: [
            "src/**/*.test.ts",
            "test/sim/**/*.test.ts",
            "test/cluster/**/*.test.ts",
            "test/chaos/**/*.test.ts",
            "test/burst/**/*.test.ts",
            "test/abuse/**/*.test.ts",
            "test/overrides/**/*.test.ts",
            "test/quick-start/**/*.test.ts",
            "test/e2e/**/*.test.ts",
            "test/dashboard/**/*.test.ts",
            "scripts/**/*.test.ts",
            "demo/**/*.test.ts",
            "bench/**/*.test.ts",
          ],
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/sim/**",
            "test/cluster/**",
            "test/chaos/**",
            "test/burst/**",
            "test/abuse/**",
            "test/overrides/**",
            "test/quick-start/**",
            "test/dashboard/**",
            "test/alerts/**",
            "test/e2e/**",
          ],
          globalSetup: ["test/support/global-setup.ts"],
          // These tests wait for servers more than they compute.
          maxWorkers: 4,
          // A bound for the worst machine, not a wait: a poll ends when the state is there.
          expect: { poll: { timeout: 15_000 } },
          // Longer than the polls of any test together, so that it is theirs to say what did not happen.
          testTimeout: 90_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "alerts",
          include: ["test/alerts/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
    ],
  },
});
