/**
 * @file A folder on disk as a byte source (Node only).
 */
import { open, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { BasinError } from "../base/error.ts";
import { missingFile, shortRead, unreadableFile, type ByteSource } from "./byteSource.ts";

const UNREADABLE = "Check the permissions of the folder.";

/** Files of `folder`, by paths relative to it. Paths that lead out of the folder are refused. */
export function nodeFolderSource(folder: string, name: string = folder): ByteSource {
  const root = resolve(folder);
  const locate = (path: string): string => {
    const full = resolve(join(root, path));
    if (full !== root && !full.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw new BasinError({
        what: `The path ${path} leads out of the model's folder`,
        where: name,
        fix:
          "A checkpoint may only name files inside its own folder. Do not use this checkpoint unless you know why it " +
          "does that.",
      });
    }
    return full;
  };
  const measure = async (path: string): Promise<number | null> => {
    const info = await stat(locate(path)).catch((cause: unknown) => {
      if (isMissing(cause)) return null;
      throw unreadableFile({ name }, path, { fix: UNREADABLE, cause });
    });
    return info !== null && info.isFile() ? info.size : null;
  };
  return {
    name,
    async has(path) {
      return (await measure(path)) !== null;
    },
    async size(path) {
      const size = await measure(path);
      if (size === null) throw missingFile({ name }, path);
      return size;
    },
    async read(path, start, end, signal) {
      signal?.throwIfAborted();
      const file = await open(locate(path), "r").catch((cause: unknown) => {
        throw isMissing(cause)
          ? missingFile({ name }, path)
          : unreadableFile({ name }, path, { fix: UNREADABLE, cause });
      });
      try {
        const bytes = new Uint8Array(end - start);
        let got = 0;
        while (got < bytes.byteLength) {
          const { bytesRead } = await file.read(bytes, got, bytes.byteLength - got, start + got);
          if (bytesRead === 0) throw shortRead({ name }, path, start, end, got);
          got += bytesRead;
        }
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}

function isMissing(cause: unknown): boolean {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR";
}
