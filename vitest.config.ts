import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"],
          exclude: ["tests/**/*.gpu.test.ts", "tests/**/*.long.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        // Dawn reads VK_DRIVER_FILES from the real environment, which only a process of its own can set; one process at
        // a time, because a software adapter uses every core.
        test: {
          name: "gpu",
          include: ["tests/**/*.gpu.test.ts"],
          pool: "forks",
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        // Minutes and gigabytes: `npm run test:long`, not part of `npm test`. The browser's part needs the built lab.
        test: {
          name: "long",
          include: ["tests/long/*.long.test.ts"],
          pool: "forks",
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
