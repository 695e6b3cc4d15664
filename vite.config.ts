/** @file The web app. Relative addresses throughout, so that the built folder works from any sub-path. */

import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { pxToRem } from "./scripts/pxToRem.ts";
import { sitePlugin } from "./scripts/site/sitePlugin.ts";
import { SITE_HEADERS } from "./src/lab/shell/diagnostics/policy.ts";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as { version: string };

export default defineConfig({
  base: "./",
  // A missing file must answer 404, not the page: a model's folder is asked which files it has.
  appType: "mpa",
  plugins: [react(), sitePlugin()],
  define: { __BASIN_VERSION__: JSON.stringify(version) },
  css: { postcss: { plugins: [pxToRem()] } },
  worker: { format: "es" },
  build: {
    outDir: "dist/web",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 700,
  },
  server: { port: 5173 },
  preview: { port: 4173, headers: SITE_HEADERS },
});
