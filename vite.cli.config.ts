/**
 * @file The command line as one file of plain JavaScript, dist/cli/main.js: WGSL (`?raw`) is inlined, npm packages stay
 * outside. `bin/basin.mjs` runs it, and builds it by this configuration where it is missing.
 */
import { defineConfig } from "vite";

export default defineConfig({
  logLevel: "warn",
  publicDir: false,
  // Its CommonJS build hides its exports from Node's import.
  ssr: { noExternal: ["jsonc-parser"] },
  build: {
    ssr: "src/cli/main.ts",
    outDir: "dist/cli",
    emptyOutDir: true,
    target: "node20",
    minify: false,
    sourcemap: true,
    rolldownOptions: { output: { entryFileNames: "main.js", codeSplitting: false } },
  },
});
