/** @file The lab's model storage over a cache in memory. */
import { StorageController, type BrowserStorage } from "../../src/lab/setup/models/storageController.ts";
import { WeightsCache } from "../../src/weights/cache/weightsCache.ts";
import { Disk, FakeFiles, FakeLocks } from "../weights/cache/support.ts";

export function memoryStorage(disk = new Disk(), browser: Partial<BrowserStorage> = {}): StorageController {
  return new StorageController(async () => new WeightsCache(new FakeFiles(disk), new FakeLocks()), {
    estimate: async () => ({ usage: disk.bytes, quota: 1e9 }),
    persisted: async () => false,
    persist: async () => true,
    ...browser,
  });
}
