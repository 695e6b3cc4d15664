/** @file The benchmark's page. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { contendersFor } from "./registry.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("page"),
  base: "./",
  // The demo model.
  publicDir: here("../public"),
  logLevel: "warn",
  plugins: [contendersFor("browser")],
  build: { outDir: here("../dist/bench"), emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 4000 },
});
