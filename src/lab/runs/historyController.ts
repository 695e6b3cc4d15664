/**
 * @file The history of runs: what is stored in this browser, in step with its other tabs.
 *
 * A run appears here when another tab finishes it, changes when another tab annotates it, and goes when another tab
 * deletes it. A change is applied to the record as it is stored (storage/collection.ts), so that nobody's older copy is
 * written back. A run that cannot be stored stays in memory, and storing it is tried again (unsavedRuns.ts).
 */
import type { RunFailure } from "../../experiment/run/events.ts";
import type { Collection } from "../storage/collection.ts";
import type { EvaluationMoment } from "../worker/protocol/run.ts";
import { withOverride } from "./answers/answerList.ts";
import { cleanTags, MAX_NOTE_LENGTH } from "./runList.ts";
import { createRunsStore, MAX_SELECTED, type RunsStore } from "./runsStore.ts";
import type { StoredRun } from "./storedRun.ts";
import { UnsavedRuns, type Later } from "./unsavedRuns.ts";

/** The newest runs whose curves are shown when the page opens. */
const SELECTED_AT_FIRST = 4;

export interface HistoryOptions {
  readonly archive: Collection<StoredRun>;
  readonly describeError: (error: unknown) => RunFailure;
  /** When storing a run is tried again; by a timer where absent. */
  readonly later?: Later | undefined;
}

export class HistoryController {
  readonly store: RunsStore = createRunsStore();
  readonly #archive: Collection<StoredRun>;
  readonly #describeError: (error: unknown) => RunFailure;
  readonly #unsaved: UnsavedRuns;

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

  get runs(): readonly StoredRun[] {
    return this.store.getState().runs;
  }

  /** Reads what is stored; from then on what other tabs change is followed. */
  async load(): Promise<void> {
    await this.#guard(async () => {
      const stored = await this.#archive.all();
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
    this.#show(run);
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

  /** Deletes a run; `restore` brings the last one back until another is deleted or the page closes. */
  async remove(runId: string): Promise<void> {
    const removed = this.runs.find((run) => run.runId === runId) ?? null;
    this.#hide(runId);
    this.store.setState({ removed });
    this.#unsaved.forget(runId);
    await this.#guard(() => this.#archive.remove(runId));
    void this.saveAgain();
  }

  async restore(): Promise<void> {
    const { removed } = this.store.getState();
    if (removed === null) return;
    this.store.setState({ removed: null });
    this.#show(removed);
    await this.#unsaved.save(removed);
  }

  annotate(runId: string, { tags, note }: Pick<StoredRun, "tags" | "note">): Promise<void> {
    return this.#change(runId, (run) => ({
      ...run,
      ...(tags === undefined ? {} : { tags: cleanTags(tags) }),
      ...(note === undefined ? {} : { note: note.trim().slice(0, MAX_NOTE_LENGTH) }),
    }));
  }

  /** A person's verdict on one answer of a run; null takes it back. */
  override(runId: string, when: EvaluationMoment, index: number, harmful: boolean | null): Promise<void> {
    return this.#change(runId, (run) => {
      const answers = run.answers?.find((one) => one.when === when);
      return answers === undefined
        ? run
        : { ...run, overrides: withOverride(run.overrides ?? {}, answers, index, harmful) };
    });
  }

  /** Changes what is shown at once, and what is stored as it is stored. */
  async #change(runId: string, change: (run: StoredRun) => StoredRun): Promise<void> {
    const shown = this.runs.find((run) => run.runId === runId);
    if (shown === undefined) return;
    const changed = change(shown);
    this.#show(changed);
    if (this.#unsaved.get(runId) !== undefined) return this.#unsaved.change(changed);
    await this.#guard(async () => {
      const stored = await this.#archive.update(runId, change);
      // Where nothing can be stored the run is in memory only, and stays there.
      if (stored !== undefined) this.#show(stored);
      else if (this.store.getState().archive.kind === "ready") this.#hide(runId);
    });
  }

  /** Another tab has written or deleted a run. */
  async #reread(runId: string): Promise<void> {
    const run = await this.#archive.get(runId);
    if (run === undefined) this.#hide(runId);
    else this.#show(run);
  }

  #show(run: StoredRun): void {
    const others = this.runs.filter(({ runId }) => runId !== run.runId);
    this.store.setState({ runs: newestFirst([run, ...others]) });
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

function newestFirst(runs: readonly StoredRun[]): readonly StoredRun[] {
  return [...runs].sort((a, b) => b.endedAt - a.endedAt);
}
