/**
 * @file Builds the command line into dist/cli. Built beside it first and then moved, so that several processes may do
 * this at once and one that runs is not disturbed.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Builds dist/cli/main.js. */
export async function buildCli() {
  const { build } = await import("vite");
  const finished = join(root, "dist", "cli");
  const fresh = join(root, "dist", `.cli-${process.pid}`);
  mkdirSync(join(root, "dist"), { recursive: true });
  try {
    await build({ root, configFile: join(root, "vite.cli.config.ts"), build: { outDir: fresh } });
    rmSync(finished, { recursive: true, force: true });
    try {
      renameSync(fresh, finished);
    } catch (error) {
      // Another process was faster; its build is as good.
      if (!existsSync(join(finished, "main.js"))) throw error;
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

// `npm ci` runs this file. Without the development packages there is nothing to build with, and nothing to fail for.
if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (existsSync(join(root, "node_modules", "vite"))) await buildCli();
  else process.stderr.write("basin: the command line is not built (vite is not installed)\n");
}
