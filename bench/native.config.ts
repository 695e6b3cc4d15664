/**
 * @file The benchmark for Node as plain JavaScript in dist/bench-native. Everything is bundled but `webgpu`, which
 * brings Dawn, so that a machine without a network needs no more than these files, that package and the bundled models.
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { contendersFor } from "./registry.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("native"),
  logLevel: "warn",
  publicDir: false,
  plugins: [contendersFor("node")],
  ssr: { noExternal: true, external: ["webgpu"] },
  build: {
    ssr: here("native/main.ts"),
    outDir: here("../dist/bench-native"),
    emptyOutDir: true,
    target: "node20",
    minify: false,
    rolldownOptions: { output: { entryFileNames: "main.js" } },
  },
});
