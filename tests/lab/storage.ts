/** @file The lab's model storage over a cache in memory. */
import { ModelStorage, type BrowserStorage } from "../../src/lab/models/storageStore.ts";
import { WeightsCache } from "../../src/weights/cache/weightsCache.ts";
import { Disk, FakeFiles, FakeLocks } from "../weights/cache/support.ts";

export function memoryStorage(disk = new Disk(), browser: Partial<BrowserStorage> = {}): ModelStorage {
  return new ModelStorage(async () => new WeightsCache(new FakeFiles(disk), new FakeLocks()), {
    estimate: async () => ({ usage: disk.bytes, quota: 1e9 }),
    persisted: async () => false,
    persist: async () => true,
    ...browser,
  });
}
