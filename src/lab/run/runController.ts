/**
 * @file Runs of this tab: what the user commands, and what happens when the worker reports.
 *
 *     start, resumeInterrupted, startCell ──▸ worker ──▸ updates ──▸ run store
 *     pause, resume, stop, discard                          │
 *                                                           └─ the end: run history, recovery, table
 */
import type { RunFailure, RunReport } from "../../experiment/run/events.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { MomentAnswer } from "../../experiment/table/outcome.ts";
import { runEnding } from "../recovery/ending.ts";
import type { RecoveryController } from "../recovery/recoveryController.ts";
import type { UnfinishedEntry } from "../recovery/recoveryStore.ts";
import { earlierRun } from "../runs/earlierRun.ts";
import type { HistoryController } from "../runs/historyController.ts";
import { toRunState, toStoredRun } from "../runs/storedRun.ts";
import type { InputController } from "../setup/inputController.ts";
import { toFailure } from "../support/failure.ts";
import { sameJson } from "../support/json.ts";
import type { LabClient } from "../worker/client.ts";
import type { LabEvent, WorkerLostEvent } from "../worker/protocol/messages.ts";
import { isRunUpdate, type RunUpdate, type StartCommand } from "../worker/protocol/run.ts";
import { NOT_RESUMED } from "./copy.ts";
import { createRunStore, type RunOpening, type RunStore } from "./runStore.ts";
import { isActive, type ActiveRunState, type PendingCommand, type RunState } from "./runState.ts";

/** How a run ended, for the table. */
export type RunEnd =
  | { readonly kind: "finished"; readonly report: RunReport; readonly answers: readonly MomentAnswer[] }
  | { readonly kind: "failed"; readonly failure: RunFailure }
  | { readonly kind: "stopped" }
  /** The worker was lost on the way; the run can be resumed. */
  | { readonly kind: "interrupted" };

export interface RunControllerOptions {
  readonly client: LabClient;
  readonly history: HistoryController;
  readonly recovery: RecoveryController;
  readonly inputs: InputController;
  /** Whether a token for the hub is set. */
  readonly hasToken: () => boolean;
  /** Called once a run has ended and is stored. */
  readonly onEnd: (runId: string, spec: Spec, end: RunEnd) => Promise<void>;
  readonly now: () => number;
  readonly newId: () => string;
}

export class RunController {
  readonly store: RunStore = createRunStore();
  readonly #options: RunControllerOptions;
  /** The worker is gone, and there is no other. */
  #isWorkerGone = false;

  constructor(options: RunControllerOptions) {
    this.#options = options;
  }

  /** Starts a run of the spec as it stands; the caller has checked readiness. */
  start(spec: Spec): void {
    this.#start(spec, false);
  }

  /** Starts or resumes the run of a table's cell. @returns its id; null where no run can start now */
  startCell(spec: Spec): string | null {
    if (this.#isBusy() || this.#isWorkerGone) return null;
    const interrupted = this.#options.recovery.store
      .getState()
      .entries.find(
        ({ status, run }) => status === "interrupted" && sameJson({ ...run.spec, name: "" }, { ...spec, name: "" }),
      );
    return interrupted === undefined ? this.#start(spec, true) : this.#resume(interrupted);
  }

  /** Resumes an interrupted run. false while another one is under way. */
  resumeInterrupted(runId: string): boolean {
    const entry = this.#options.recovery.entry(runId);
    if (entry?.status !== "interrupted" || this.#isBusy()) return false;
    this.#resume(entry);
    return true;
  }

  /**
   * Reads a run of the history and shows it in the run area. false while another one is under way, where it cannot be
   * read (the store says why), or where something else was opened meanwhile.
   */
  async open(runId: string): Promise<boolean> {
    const { history } = this.#options;
    if (this.#isBusy() || !history.runs.some((run) => run.runId === runId)) return false;
    const opening: RunOpening = { kind: "reading", runId };
    const isAwaited = (): boolean => this.store.getState().opening === opening;
    this.store.setState({ opening });
    try {
      const stored = await history.read(runId);
      if (!isAwaited()) return false;
      this.store.getState().show(toRunState(stored));
      return true;
    } catch (error) {
      if (isAwaited()) this.store.setState({ opening: { kind: "failed", runId, failure: toFailure(error, "run") } });
      return false;
    }
  }

  pause(): void {
    this.#command("pause");
  }

  resume(): void {
    this.#command("resume");
  }

  /** Ends the run and keeps the adapter as it stands. */
  stop(): void {
    this.#command("stop");
  }

  /** Ends the run at once and keeps nothing of it. */
  discard(): void {
    this.#command("discard");
  }

  onEvents(events: readonly LabEvent[]): void {
    const { recovery } = this.#options;
    for (const event of events) {
      if (event.type === "snapshot_saved") recovery.onSnapshot(event.runId, event);
      if (event.type === "snapshot_failed") recovery.onSnapshotFailure(event.why);
    }
    this.#update(events.filter(isRunUpdate));
    for (const event of events) if (event.type === "worker_lost") this.#onWorkerLost(event);
  }

  #onWorkerLost({ failure, restarted }: WorkerLostEvent): void {
    this.#isWorkerGone = !restarted;
    const { run } = this.store.getState();
    if (!isActive(run)) return;
    const { runId, steps } = run.log;
    this.#update([{ type: "failed", runId, failure, lastStep: steps.at(-1)?.step ?? 0, adapterKept: false }], true);
  }

  #isBusy(): boolean {
    return isActive(this.store.getState().run);
  }

  /** @param reuse the evaluation before training may be an earlier run's of the same model */
  #start(spec: Spec, reuse: boolean): string {
    const { client, history, recovery, inputs, hasToken, now, newId } = this.#options;
    const runId = newId();
    const startedAt = now();
    this.store.getState().begin(runId, spec, startedAt);
    recovery.begin({ runId, spec, startedAt, reuse, token: hasToken() });
    const repeats = earlierRun(history.runs, spec);
    const command: StartCommand = { type: "start", runId, spec, reuse, resume: false, repeats };
    const attached = inputs.attachAdaptersOf(spec);
    if (attached === null) client.send(command);
    else void attached.then(() => this.#send(command), this.#notStarted(runId));
    return runId;
  }

  #resume({ run: { runId, spec, startedAt, reuse }, snapshot }: UnfinishedEntry): string {
    const { recovery, inputs } = this.#options;
    this.store.getState().begin(runId, spec, startedAt, snapshot?.stage === "training" ? snapshot.step : 0);
    void recovery
      .takeOver(runId)
      .then(async (taken) => {
        if (!taken) return this.#endBeforeStart(runId, NOT_RESUMED.elsewhere);
        await inputs.attachAdaptersOf(spec);
        this.#send({ type: "start", runId, spec, reuse, resume: true, repeats: null });
      })
      .catch(this.#notStarted(runId));
    return runId;
  }

  #notStarted(runId: string): (error: unknown) => void {
    return (error) => this.#endBeforeStart(runId, toFailure(error, "adapter"));
  }

  /** Starts a run, once what it needs has been read, as the user wants it by now. */
  #send(command: StartCommand): void {
    const { client } = this.#options;
    const { runId } = command;
    const { run } = this.store.getState();
    if (!isActive(run) || run.log.runId !== runId) return;
    const { pendingCommand } = run;
    // Nothing is started for being discarded.
    if (pendingCommand === "discard") return this.#endBeforeStart(runId, NOT_RESUMED.discarded);
    client.send(command);
    if (pendingCommand === "pause" || pendingCommand === "stop") client.send({ type: pendingCommand, runId });
  }

  #endBeforeStart(runId: string, failure: RunFailure): void {
    this.#update([{ type: "failed", runId, failure, lastStep: 0, adapterKept: false }]);
  }

  #command(command: Exclude<PendingCommand, null>): void {
    const { run, setPendingCommand } = this.store.getState();
    if (!isActive(run)) return;
    setPendingCommand(command);
    const { client } = this.#options;
    const { runId } = run.log;
    // A second stop ends the run without its last evaluation.
    if (command === "discard") for (let i = 0; i < 2; i += 1) client.send({ type: "stop", runId });
    else client.send({ type: command, runId });
  }

  /** @param cutOff the run ended with its worker */
  #update(updates: readonly RunUpdate[], cutOff = false): void {
    if (updates.length === 0) return;
    const before = this.store.getState().run;
    this.store.getState().update(updates);
    const after = this.store.getState().run;
    if (after === before) return;
    if (isActive(before) && !isActive(after)) void this.#onEnd(before, after, cutOff);
    if (!isActive(after)) return;
    const { runId, steps, plan } = after.log;
    this.#options.recovery.onProgress(runId, steps.length, plan?.totalSteps ?? null);
  }

  /** A run has just ended: it goes into the history, and a table may count it or continue. */
  async #onEnd(before: ActiveRunState, after: RunState, cutOff: boolean): Promise<void> {
    const { history, recovery, onEnd, now } = this.#options;
    const { runId, spec } = before.log;
    const ending = runEnding(before, after, { ...recovery.resumability(runId), cutOff });
    const stored = toStoredRun(after, now());
    // A run that failed before its first step has nothing to keep; the run area shows why.
    const isStored = stored === null || stored.steps.length === 0 || (await history.add(stored));
    // Its record and snapshot go once the history has it: until then it can be resumed.
    if (isStored) await recovery.onRunEnd(runId, ending);
    else void history.whenSaved(runId).then(() => recovery.onRunEnd(runId, ending));
    await onEnd(runId, spec, cutOff && ending.kind === "interrupted" ? { kind: "interrupted" } : endOf(after));
  }
}

function endOf(after: RunState): RunEnd {
  if (after.kind === "failed") return { kind: "failed", failure: after.failure };
  if (after.kind !== "finished" || after.report.outcome === "stopped") return { kind: "stopped" };
  const answers = (after.log.answers ?? []).flatMap(({ when, answers: list }) =>
    list.map((answer): MomentAnswer => ({ ...answer, when })),
  );
  return { kind: "finished", report: after.report, answers };
}
