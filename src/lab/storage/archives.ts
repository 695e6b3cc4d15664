/** @file What the lab stores in this browser, opened for a page or a worker. */
import type { CellOutcome } from "../../experiment/table/outcome.ts";
import type { UnfinishedRun } from "../recovery/unfinishedRun.ts";
import { openSnapshots, type Snapshots } from "../recovery/snapshots.ts";
import { savedIn, type SavedSettings } from "../support/savedSettings.ts";
import type { StoredTable } from "../table/storedTable.ts";
import { ChangeChannel } from "./changeChannel.ts";
import { DatabaseCollection, type Collection } from "./collection.ts";
import { LabDatabase } from "./database.ts";
import type { KernelText } from "./records.ts";
import { DatabaseRuns, type RunArchive } from "./runArchive.ts";
import { webTabLocks, type TabLocks } from "./tabLocks.ts";

export interface Archives {
  readonly runs: RunArchive;
  readonly tables: Collection<StoredTable>;
  readonly outcomes: Collection<CellOutcome>;
  readonly unfinished: Collection<UnfinishedRun>;
  readonly snapshots: () => Promise<Snapshots>;
  /** By run id. */
  readonly runLocks: TabLocks;
  readonly tableLocks: TabLocks;
  /** What outlives a reload of this tab, and nothing else. */
  readonly session: SavedSettings;
}

/** @param home address of the folder that the page is served from */
export function openArchives(home: string): Archives {
  const database = new LabDatabase(home);
  const channel = new ChangeChannel(new BroadcastChannel(database.name));
  return {
    runs: new DatabaseRuns(database, channel),
    tables: new DatabaseCollection(database, channel, "tables"),
    outcomes: new DatabaseCollection(database, channel, "outcomes"),
    unfinished: new DatabaseCollection(database, channel, "unfinished"),
    snapshots: () => openSnapshots(home),
    runLocks: webTabLocks("basin-run:"),
    tableLocks: webTabLocks(`${database.name}: `),
    session: savedIn(() => sessionStorage),
  };
}

/** Of the GPU worker. @param home as above */
export function openKernelTexts(home: string): Collection<KernelText> {
  const database = new LabDatabase(home);
  return new DatabaseCollection(database, new ChangeChannel(new BroadcastChannel(database.name)), "kernels");
}
