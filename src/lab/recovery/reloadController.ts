/**
 * @file Reloads the page during a run, for a new version of the site: pause, save, reload, resume, as one action.
 *
 *     pause ▸ snapshot stored ▸ mark ▸ the page goes ▸ the next page finds the mark ▸ resumes the run or the table
 *                └─ refused ▸ the run continues                                  └─ inputs missing ▸ asks for them
 *
 * The mark is in the tab's session storage: where there is none the run is offered as any interrupted one.
 */
import type { StoreApi } from "zustand/vanilla";
import type { DeviceStore } from "../shell/header/deviceStore.ts";
import type { RunController } from "../run/runController.ts";
import { isActive } from "../run/runState.ts";
import type { SavedSettings } from "../support/savedSettings.ts";
import type { TableController } from "../table/tableController.ts";
import type { RecoveryController } from "./recoveryController.ts";
import { isSavedAt } from "./recoveryStore.ts";
import { createReloadStore, type ReloadStore } from "./reloadStore.ts";
import { isRequired, runInputs } from "./runInputs.ts";

export interface ReloadOptions {
  readonly run: Pick<RunController, "store" | "pause" | "resume" | "resumeInterrupted">;
  readonly recovery: Pick<RecoveryController, "store" | "entry">;
  readonly table: Pick<TableController, "store" | "start">;
  readonly device: DeviceStore;
  /** The tab's own. */
  readonly session: SavedSettings;
  /** Called when the run of the page before resumes. */
  readonly onResume: () => void;
}

/** What the next page resumes. */
interface ReloadMark {
  readonly runId: string;
  /** It is a cell of the table, whose queue continues, too. */
  readonly queue: boolean;
}

const KEY = "basin.reload";

/** Loads the page again. false: it stays. */
export type Reload = () => Promise<boolean>;

export class ReloadController {
  readonly store: ReloadStore = createReloadStore();
  readonly #options: ReloadOptions;

  constructor(options: ReloadOptions) {
    this.#options = options;
  }

  /** Pauses and saves the run, reloads, and resumes it then; where it cannot be saved it continues. */
  async pauseAndReload(reload: Reload): Promise<void> {
    const { run, recovery, table, session } = this.#options;
    const before = run.store.getState().run;
    if (!isActive(before) || this.store.getState().kind === "pausing") return;
    const { runId } = before.log;
    this.store.setState({ kind: "pausing" }, true);
    if (before.kind !== "paused") run.pause();
    const outcome = await settled([run.store, recovery.store], () => this.#pauseOutcome(runId));
    if (outcome.kind !== "saved") {
      if (outcome.kind === "failed") run.resume();
      this.store.setState(outcome.kind === "failed" ? outcome : { kind: "idle" }, true);
      return;
    }
    const mark: ReloadMark = { runId, queue: table.store.getState().queue.kind === "running" };
    session.set(KEY, JSON.stringify(mark));
    this.store.setState({ kind: "reloading" }, true);
    if (await reload()) return;
    session.set(KEY, "");
    run.resume();
    this.store.setState({ kind: "idle" }, true);
  }

  /** What has become of the pause; null while that is open. */
  #pauseOutcome(runId: string):
    | { readonly kind: "saved" }
    | { readonly kind: "failed"; readonly why: string }
    /** The user wanted something else meanwhile, or the run has ended. */
    | { readonly kind: "overtaken" }
    | null {
    const { run, recovery } = this.#options;
    const state = run.store.getState().run;
    const { saved } = recovery.store.getState();
    if (!isActive(state) || state.log.runId !== runId) return { kind: "overtaken" };
    if (state.kind !== "paused") return state.pendingCommand === "pause" ? null : { kind: "overtaken" };
    if (state.pendingCommand !== null) return { kind: "overtaken" };
    if (isSavedAt(saved, state.step)) return { kind: "saved" };
    return saved.kind === "failed" ? { kind: "failed", why: saved.why } : null;
  }

  /** Resumes what the page before has paused for its reload. */
  async resume(): Promise<void> {
    const { run, recovery, table, device, session, onResume } = this.#options;
    const mark = readMark(session);
    if (mark === null) return;
    session.set(KEY, "");
    // The page before may still hold the run and the queue, and the device is being opened.
    const outcome = await settled([run.store, recovery.store, table.store, device], () => {
      if (isActive(run.store.getState().run)) return "overtaken";
      const entry = recovery.entry(mark.runId);
      const { kind } = device.getState();
      if (kind === "missing" || kind === "lost") return "overtaken";
      const isFree = !mark.queue || table.store.getState().queue.kind === "idle";
      return entry?.status === "interrupted" && kind === "ready" && isFree ? entry : null;
    });
    if (outcome === "overtaken") return;
    onResume();
    // Files are chosen again: the run area says which.
    const { spec, token } = outcome.run;
    if (runInputs(spec, token, outcome.snapshot).some(isRequired)) return;
    if (mark.queue) await table.start();
    else run.resumeInterrupted(mark.runId);
  }
}

function readMark(session: SavedSettings): ReloadMark | null {
  const text = session.get(KEY);
  if (text === null || text === "") return null;
  // This class has written it.
  return JSON.parse(text) as ReloadMark;
}

/** What `look` finds, once that is not null; it looks again when a store changes. */
function settled<T>(stores: readonly Pick<StoreApi<unknown>, "subscribe">[], look: () => T | null): Promise<T> {
  return new Promise((resolve) => {
    const unsubscribe: (() => void)[] = [];
    const check = (): void => {
      const found = look();
      if (found === null) return;
      for (const end of unsubscribe) end();
      resolve(found);
    };
    for (const store of stores) unsubscribe.push(store.subscribe(check));
    check();
  });
}
