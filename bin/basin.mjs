#!/usr/bin/env node
/**
 * @file `basin`: runs the command line, dist/cli/main.js. `npm ci` builds that file; where it is missing, or older than
 * the sources, it is built here first (about a second, with a line on stderr).
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const main = join(root, "dist", "cli", "main.js");

/** Time of the newest source file; 0 where there are no sources. */
function newestSource() {
  let newest = 0;
  // python/: what `basin export` writes is part of the built file.
  for (const folder of ["src", "shaders", "python"]) {
    if (!existsSync(join(root, folder))) continue;
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && !entry.name.endsWith(".pyc"))
        newest = Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
    }
  }
  return newest;
}

if (!existsSync(main) || statSync(main).mtimeMs < newestSource()) {
  if (!existsSync(join(root, "node_modules", "vite"))) {
    process.stderr.write(`basin: the packages are not installed; run npm ci in ${root}\n`);
    process.exit(1);
  }
  process.stderr.write("basin: building the command line (once)\n");
  const { buildCli } = await import(pathToFileURL(join(root, "scripts", "buildCli.mjs")).href);
  await buildCli();
}

await import(pathToFileURL(main).href);
