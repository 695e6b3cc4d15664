/**
 * @file The history of runs: what is stored in this browser, in step with its other tabs.
 *
 * The list holds summaries; a whole run, with steps, answers and adapter, is read when it is opened (`read`).
 *
 * A run appears here when another tab finishes it, changes when another tab annotates it, and goes when another tab
 * deletes it. A change is applied to the record as it is stored (storage/runArchive.ts), so that nobody's older copy is
 * written back. A run that cannot be stored stays in memory, and storing it is tried again (unsavedRuns.ts).
 */
import { BasinError } from "../../base/error.ts";
import type { RunFailure } from "../../experiment/run/events.ts";
import type { RunArchive } from "../storage/runArchive.ts";
import { overriddenScore, withOverride, type AnswerSet } from "./answers/answerList.ts";
import { READING } from "./reading/copy.ts";
import { cleanTags, MAX_NOTE_LENGTH } from "./runList.ts";
import { createRunsStore, MAX_SELECTED, type RunsStore } from "./runsStore.ts";
import { toSummary, type RunSummary } from "./runSummary.ts";
import type { StoredRun } from "./storedRun.ts";
import { UnsavedRuns, type Later } from "./unsavedRuns.ts";

/** The newest runs whose curves are shown when the page opens. */
const SELECTED_AT_FIRST = 4;

export interface HistoryOptions {
  readonly archive: RunArchive;
  readonly describeError: (error: unknown) => RunFailure;
  /** When storing a run is tried again; by a timer where absent. */
  readonly later?: Later | undefined;
}

export class HistoryController {
  readonly store: RunsStore = createRunsStore();
  readonly #archive: RunArchive;
  readonly #describeError: (error: unknown) => RunFailure;
  readonly #unsaved: UnsavedRuns;
  /** Runs that this tab is deleting. */
  readonly #removing = new Set<string>();

  constructor({ archive, describeError, later }: HistoryOptions) {
    this.#archive = archive;
    this.#describeError = describeError;
    this.#unsaved = new UnsavedRuns({
      put: (run) => archive.put(run),
      describeError,
      onChange: (unsaved) => this.store.setState({ unsaved }),
      ...(later === undefined ? {} : { later }),
    });
  }

  get runs(): readonly RunSummary[] {
    return this.store.getState().runs;
  }

  /** Reads what is stored; from then on what other tabs change is followed. */
  async load(): Promise<void> {
    await this.#guard(async () => {
      const stored = await this.#archive.summaries();
      const known = new Set(stored.map(({ runId }) => runId));
      // A run that ended while the archive was opening is already in the list.
      const runs = newestFirst([...this.runs.filter(({ runId }) => !known.has(runId)), ...stored]);
      const { selected } = this.store.getState();
      this.store.setState({
        archive: { kind: "ready" },
        runs,
        selected: selected.size > 0 ? selected : new Set(runs.slice(0, SELECTED_AT_FIRST).map(({ runId }) => runId)),
      });
      this.#archive.onChange((runId) => void this.#guard(() => this.#reread(runId)));
    });
  }

  /** A run of this tab has ended. @returns whether it is stored; if not, that is tried again (`whenSaved`) */
  add(run: StoredRun): Promise<boolean> {
    const { selected } = this.store.getState();
    this.#show(toSummary(run));
    if (selected.size < MAX_SELECTED) this.store.setState({ selected: new Set([...selected, run.runId]) });
    return this.#unsaved.save(run);
  }

  /** Resolves once the run is stored, or has been deleted. */
  whenSaved(runId: string): Promise<void> {
    return this.#unsaved.whenSaved(runId);
  }

  /** Tries to store the runs that could not be stored so far: there may be room now. */
  saveAgain(): Promise<void> {
    return this.#unsaved.again();
  }

  /**
   * A whole run.
   * @throws BasinError when the storage refuses to read it, or it has been deleted
   */
  async read(runId: string): Promise<StoredRun> {
    const held = this.#unsaved.held(runId);
    if (held !== undefined) return held;
    const run = await this.#archive.get(runId).catch((error: unknown) => {
      throw new BasinError({ ...this.#describeError(error), cause: error });
    });
    if (run === undefined) throw new BasinError(READING.gone);
    return run;
  }

  /** Deletes a run; `restore` brings the last one back until another is deleted or the page closes. */
  async remove(runId: string): Promise<void> {
    const shown = this.runs.find((run) => run.runId === runId);
    const held = this.#unsaved.get(runId);
    this.#hide(runId);
    this.#removing.add(runId);
    await this.#guard(async () => {
      try {
        const removed = held ?? (await this.#archive.get(runId)) ?? null;
        this.store.setState({ removed });
        this.#unsaved.forget(runId);
        await this.#archive.remove(runId);
      } catch (error) {
        // It is still stored.
        if (held === undefined && shown !== undefined) this.#show(shown);
        throw error;
      } finally {
        this.#removing.delete(runId);
      }
    });
    void this.saveAgain();
  }

  async restore(): Promise<void> {
    const { removed } = this.store.getState();
    if (removed === null) return;
    this.store.setState({ removed: null });
    this.#show(toSummary(removed));
    await this.#unsaved.save(removed);
  }

  annotate(runId: string, { tags, note }: Pick<StoredRun, "tags" | "note">): Promise<void> {
    const words = {
      ...(tags === undefined ? {} : { tags: cleanTags(tags) }),
      ...(note === undefined ? {} : { note: note.trim().slice(0, MAX_NOTE_LENGTH) }),
    };
    return this.#change(
      runId,
      (run) => ({ ...run, ...words }),
      (summary) => ({ ...summary, ...words }),
    );
  }

  /** A person's verdict on one answer of a run; null takes it back. @param set the answers of the evaluation */
  override(runId: string, set: AnswerSet, index: number, harmful: boolean | null): Promise<void> {
    return this.#change(
      runId,
      (run) => {
        const answers = run.answers?.find(({ when }) => when === set.when);
        return answers === undefined
          ? run
          : { ...run, overrides: withOverride(run.overrides ?? {}, answers, index, harmful) };
      },
      (summary) => {
        const overrides = withOverride(summary.overrides ?? {}, set, index, harmful);
        const overridden = set.when === "after" ? overriddenScore(set, overrides) : summary.overridden;
        return { ...summary, overrides, overridden };
      },
    );
  }

  /** Changes what is shown at once, and what is stored as it is stored. */
  async #change(
    runId: string,
    change: (run: StoredRun) => StoredRun,
    changeSummary: (summary: RunSummary) => RunSummary,
  ): Promise<void> {
    const shown = this.runs.find((run) => run.runId === runId);
    if (shown === undefined) return;
    const unsaved = this.#unsaved.get(runId);
    if (unsaved !== undefined) {
      const changed = change(unsaved);
      this.#show(toSummary(changed));
      return this.#unsaved.change(changed);
    }
    this.#show(changeSummary(shown));
    await this.#guard(async () => {
      const stored = await this.#archive.update(runId, change);
      // Where nothing can be stored the run is in memory only, and stays there.
      if (stored !== undefined) this.#showStored(stored);
      else if (this.store.getState().archive.kind === "ready") this.#hide(runId);
    });
  }

  /** Another tab has written or deleted a run. */
  async #reread(runId: string): Promise<void> {
    const summary = await this.#archive.summary(runId);
    if (summary === undefined) this.#hide(runId);
    else this.#showStored(summary);
  }

  /** What was read of a run while this tab was deleting it does not bring it back. */
  #showStored(summary: RunSummary): void {
    if (!this.#removing.has(summary.runId)) this.#show(summary);
  }

  #show(summary: RunSummary): void {
    const others = this.runs.filter(({ runId }) => runId !== summary.runId);
    this.store.setState({ runs: newestFirst([summary, ...others]) });
  }

  #hide(runId: string): void {
    this.store.setState(({ runs, selected }) => ({
      runs: runs.filter((run) => run.runId !== runId),
      selected: new Set([...selected].filter((id) => id !== runId)),
    }));
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.store.setState({ archive: { kind: "unavailable", failure: this.#describeError(error) } });
    }
  }
}

function newestFirst(runs: readonly RunSummary[]): readonly RunSummary[] {
  return [...runs].sort((a, b) => b.endedAt - a.endedAt);
}
