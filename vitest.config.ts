import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"], exclude: ["tests/**/*.gpu.test.ts"], testTimeout: 30_000 },
      },
      {
        extends: true,
        // Dawn reads VK_DRIVER_FILES from the real environment, which only a process of its own can set; one process at a
        // time, because a software adapter uses every core.
        test: { name: "gpu", include: ["tests/**/*.gpu.test.ts"], pool: "forks", fileParallelism: false, testTimeout: 240_000, hookTimeout: 120_000 },
      },
    ],
  },
});
