/**
 * @file A folder on disk to write a model into (Node only). Each file is written beside its final name and renamed when
 * it is whole, so a file that carries its name is never half of one.
 */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { FileSink } from "./mergeModel.ts";

export function nodeFolderSink(folder: string): FileSink {
  return {
    async create(path) {
      await mkdir(folder, { recursive: true });
      const whole = join(folder, path);
      const partial = `${whole}.partial`;
      const file = await open(partial, "w");
      return {
        async write(bytes) {
          for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten;
        },
        async close() {
          await file.close();
          await rename(partial, whole);
        },
        async abort() {
          await file.close();
          await rm(partial, { force: true });
        },
      };
    },
  };
}
