/** @file The lab's model storage over a cache in memory. */
import {
  StorageController,
  type BrowserStorage,
  type MergedStorage,
} from "../../src/lab/setup/models/storageController.ts";
import { WeightsCache } from "../../src/weights/cache/weightsCache.ts";
import { Disk, FakeFiles, FakeLocks } from "../weights/cache/support.ts";

const NO_MERGED: MergedStorage = {
  list: async () => [],
  remove: async () => undefined,
  use: async (id) => id,
  open: () => Promise.reject(new Error("none")),
};

export function memoryStorage(
  disk = new Disk(),
  browser: Partial<BrowserStorage> = {},
  merged: MergedStorage = NO_MERGED,
): StorageController {
  return new StorageController(
    async () => new WeightsCache(new FakeFiles(disk), new FakeLocks()),
    {
      estimate: async () => ({ usage: disk.bytes, quota: 1e9 }),
      persisted: async () => false,
      persist: async () => true,
      ...browser,
    },
    merged,
  );
}
