/** @file The lab's model storage over a cache in memory, and a table's archive in memory. */
import type { CellOutcome } from "../../src/experiment/table/outcome.ts";
import { StorageController, type BrowserStorage } from "../../src/lab/setup/models/storageController.ts";
import type { StoredTable, TableArchive } from "../../src/lab/table/tableDb.ts";
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

/** What IndexedDB would keep of a table; outlives the lab that writes it. */
export class MemoryTables implements TableArchive {
  stored: StoredTable | null = null;
  readonly kept = new Map<string, CellOutcome>();

  async table(): Promise<StoredTable | null> {
    return this.stored;
  }

  async putTable(table: StoredTable): Promise<void> {
    this.stored = structuredClone(table);
  }

  async outcomes(): Promise<readonly CellOutcome[]> {
    return [...this.kept.values()];
  }

  async putOutcome(outcome: CellOutcome): Promise<void> {
    this.kept.set(outcome.key, outcome);
  }
}
