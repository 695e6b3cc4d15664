/** @file Where measured kernels are stored between commands: one file a device in the user's cache folder. */

import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { RouteStore } from "../experiment/measure/kernelRoutes.ts";

/** BASIN_CACHE, else `basin` in the platform's cache folder. */
export function cacheFolder(): string {
  const { BASIN_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (BASIN_CACHE) return BASIN_CACHE;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, "basin");
  if (process.platform === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "basin", "cache");
  return process.platform === "darwin"
    ? join(homedir(), "Library", "Caches", "basin")
    : join(homedir(), ".cache", "basin");
}

export function routeFile(folder: string, identity: string): string {
  return join(folder, `kernels-${identity}.json`);
}

/**
 * Files of `folder`; each is written beside its place and then moved there, so that a reader never sees half of one.
 */
export function routeFiles(folder: string = cacheFolder()): RouteStore {
  return {
    read: async (identity) => {
      try {
        return await readFile(routeFile(folder, identity), "utf8");
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
    },
    write: async (identity, text) => {
      await mkdir(folder, { recursive: true });
      const draft = `${routeFile(folder, identity)}.${process.pid}`;
      await writeFile(draft, text);
      await rename(draft, routeFile(folder, identity));
    },
    remove: (identity) => rm(routeFile(folder, identity), { force: true }),
  };
}
