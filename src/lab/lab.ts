/**
 * @file The lab put together: stores, worker client, and what happens between them. No React.
 *
 *     events of the worker -> stores -> (React draws)
 *     the user's wishes    -> functions of `Lab` -> commands to the worker
 */
import { zipSync } from "fflate";
import type { Spec } from "../experiment/spec/spec.ts";
import { BasinError } from "../base/error.ts";
import { bindMethod } from "../methods/registry.ts";
import { safeAdapterFile } from "../methods/stages.ts";
import { messagesWithTrigger } from "../text/trigger.ts";
import { namedAdapter, continueSettings, adapterTrigger, type ChatAdapter } from "./chat/adapters.ts";
import {
  createChatStore,
  chatId,
  samplingText,
  messagesFor,
  SUBJECTS,
  type ChatEvent,
  type ChatStore,
  type SubjectName,
} from "./chat/chatStore.ts";
import { createRowsStore, shownRows, PAGE_SIZE, type RowsStore } from "./data/dataStore.ts";
import { createDeviceStore, type DeviceStore } from "./shell/header/deviceStore.ts";
import { afterMerge, createMergeStore, type MergeStore } from "./runs/merge/mergeStore.ts";
import { runEnding } from "./recovery/ending.ts";
import { Recovery, type RecoveryOptions, type UnfinishedEntry } from "./recovery/recovery.ts";
import { Models } from "./setup/models/modelStore.ts";
import type { ModelStorage } from "./setup/models/storageStore.ts";
import type { MomentAnswer } from "../experiment/table/outcome.ts";
import { isActive, type ActiveRunState, type RunState } from "./run/runState.ts";
import { createRunStore, type RunStore } from "./run/runStore.ts";
import { earlierRun } from "./runs/earlierRun.ts";
import type { RunArchive } from "./runs/runsDb.ts";
import { createRunsStore, type RunsStore } from "./runs/runsStore.ts";
import { toRunState, toStoredRun, type StoredRun } from "./runs/storedRun.ts";
import { createReceivedStore, type ReceivedStore } from "./runs/share/receivedStore.ts";
import { createPlanStore, type PlanStore } from "./setup/planStore.ts";
import { createSpecStore, type SpecCodec, type SpecStore } from "./setup/specStore.ts";
import { sameJson, setPath, type JsonObject } from "./support/json.ts";
import { toFailure } from "./support/failure.ts";
import { storageFailure } from "./support/storageFailure.ts";
import type { TableArchive } from "./table/tableDb.ts";
import { Tables } from "./table/tables.ts";
import type { Announcement, LabClient } from "./worker/client.ts";
import type { DeviceQuestion, DeviceReport } from "./worker/deviceReport.ts";
import type { KernelsReport, KernelsCommand } from "./worker/kernelTuning.ts";
import {
  ADDED_ADAPTER,
  isRunEvent,
  RUN_ADAPTER,
  type ChatSubject,
  type MergeTarget,
  type PythonArchive,
  type RowFilter,
} from "./worker/protocol.ts";

export interface LabParts {
  readonly client: LabClient;
  readonly codec: SpecCodec;
  readonly archive: RunArchive;
  readonly tableArchive: TableArchive;
  readonly storage: ModelStorage;
  readonly keep: RecoveryOptions;
  /** A mirror of the hub; null for Hugging Face's own. */
  readonly hubUrl: string | null;
  readonly now: () => number;
  readonly newId: () => string;
}

export class Lab {
  readonly spec: SpecStore;
  readonly device: DeviceStore;
  readonly run: RunStore;
  readonly runs: RunsStore;
  readonly tables: Tables;
  readonly chat: ChatStore;
  readonly merge: MergeStore;
  readonly data: RowsStore;
  readonly plan: PlanStore;
  readonly received: ReceivedStore;
  readonly models: Models;
  readonly storage: ModelStorage;
  readonly recovery: Recovery;
  readonly codec: SpecCodec;
  readonly #client: LabClient;
  readonly #now: () => number;
  readonly #newId: () => string;

  constructor({ client, codec, archive, tableArchive, storage, keep, hubUrl, now, newId }: LabParts) {
    this.#client = client;
    this.#now = now;
    this.#newId = newId;
    this.codec = codec;
    this.spec = createSpecStore(codec, (error) => toFailure(error, "link"));
    this.device = createDeviceStore();
    this.run = createRunStore();
    this.runs = createRunsStore(archive, (error) => storageFailure(error, "this browser's storage (IndexedDB)"));
    this.tables = new Tables({
      archive: tableArchive,
      begin: (cell) => (isActive(this.run.getState().run) ? null : (this.#goOnWith(cell) ?? this.#begin(cell, true))),
      history: () => new Set(this.runs.getState().runs.map(({ runId }) => runId)),
      describeError: (error) => toFailure(error, "table"),
    });
    this.runs.subscribe(({ runs }, before) => {
      if (runs !== before.runs) this.tables.refresh();
    });
    this.chat = createChatStore();
    this.merge = createMergeStore();
    this.data = createRowsStore();
    this.plan = createPlanStore();
    this.received = createReceivedStore();
    this.models = new Models(client, hubUrl, () => this.#askAgain());
    this.storage = storage;
    this.recovery = new Recovery({ ...keep, now });
    client.listen((events) => this.#take(events));
  }

  /** Starts a run of the spec as it stands; the caller has checked readiness. */
  start(spec: Spec): void {
    this.#begin(spec, false);
  }

  /** What an earlier visit left. */
  async load(): Promise<void> {
    const kept = this.recovery.load();
    await this.runs.getState().load();
    await this.tables.load();
    await kept;
  }

  /** Shows a run of the history in the run area. false while another one is under way. */
  open(runId: string): boolean {
    const stored = this.runs.getState().runs.find((run) => run.runId === runId);
    if (stored === undefined || isActive(this.run.getState().run)) return false;
    this.run.getState().open(toRunState(stored));
    return true;
  }

  pause(): void {
    this.#control("pause");
  }

  resume(): void {
    this.#control("resume");
  }

  /** Ends the run and keeps the adapter as it stands. */
  stop(): void {
    this.#control("stop");
  }

  /** Ends the run at once and keeps nothing of it. */
  discard(): void {
    this.#control("discard");
  }

  /** Goes on with an interrupted run. false while another one is under way. */
  goOn(runId: string): boolean {
    const entry = this.recovery.entry(runId);
    if (entry?.status !== "interrupted" || isActive(this.run.getState().run)) return false;
    this.#goOn(entry);
    return true;
  }

  /** Loads the page of rows that begins at `offset`, unless it is shown already. `key` names the data that the spec describes. */
  async showRows(spec: Spec, key: string, filter: RowFilter, offset: number): Promise<void> {
    const state = this.data.getState();
    if (state.kind === "ready" && state.key === key && state.filter === filter && state.offset === offset) return;
    this.data.setState({ kind: "loading", key, filter, offset, before: shownRows(state) }, true);
    const isWanted = (): boolean => {
      const now = this.data.getState();
      return now.kind === "loading" && now.key === key && now.filter === filter && now.offset === offset;
    };
    try {
      const { summary, page } = await this.#client.rows(spec, filter, offset, PAGE_SIZE);
      if (isWanted()) this.data.setState({ kind: "ready", key, filter, summary, page, offset }, true);
    } catch (error) {
      // Only columns that can be told can be mapped.
      const columns =
        isWanted() && spec.data.train.source !== "apothecary"
          ? await this.#client.columns(spec).catch(() => null)
          : null;
      if (isWanted())
        this.data.setState({ kind: "failed", key, failure: toFailure(error, "training rows"), columns }, true);
    }
  }

  /** Asks what a run of `spec` would take. */
  async planFor(spec: Spec, key: string): Promise<void> {
    if (this.plan.getState().key === key) return;
    this.plan.setState({ kind: "planning", key }, true);
    const isWanted = (): boolean => this.plan.getState().key === key;
    try {
      const plan = await this.#client.plan(spec);
      if (isWanted()) this.plan.setState({ kind: "planned", key, plan }, true);
    } catch (error) {
      if (isWanted()) this.plan.setState({ kind: "impossible", key, failure: toFailure(error, "plan") }, true);
    }
  }

  /** Asks the pair of `spec`, and its aligned model with `tuned` if given, the same question. One model answers after the other. */
  ask(prompt: string, spec: Spec, tuned: ChatAdapter | null): void {
    const id = this.#newId();
    const { settings, thread, exchanges, open } = this.chat.getState();
    const turns = exchanges.filter((exchange) => exchange.thread === thread).reverse();
    const subjects = SUBJECTS.map((name): [SubjectName, ChatSubject | null] => [
      name,
      subjectOf(name, spec, tuned),
    ]).filter((entry): entry is [SubjectName, ChatSubject] => entry[1] !== null);
    const how = samplingText(settings.sampling);
    const trigger = tuned === null || !settings.withTrigger ? null : adapterTrigger(tuned);
    const about =
      tuned === null
        ? null
        : {
            id: tuned.id,
            title: tuned.title,
            note: trigger === null ? tuned.note : `${tuned.note}, behind its trigger`,
          };
    open(
      { id, thread: thread ?? id, prompt, tuned: about, samplingText: how },
      subjects.map(([name]) => name),
    );
    const { sampling, maxNewTokens, stop, system } = settings;
    for (const [name, subject] of subjects) {
      const messages = messagesFor(name, turns, system, prompt);
      this.#client.send({
        type: "chat",
        chatId: chatId(id, name),
        spec,
        subject,
        messages: name === "tuned" && trigger !== null ? messagesWithTrigger(messages, trigger) : messages,
        maxNewTokens,
        sampling,
        stop,
      });
    }
  }

  /** Adds an adapter of the hub (`owner/name[@revision]`) or of an address to the chat. @throws BasinError when it cannot be read or is not supported */
  async addAdapter(name: string): Promise<void> {
    this.chat.getState().addAdapter(namedAdapter(name, await this.#client.readAdapter(name)));
  }

  /** Setup with what trains on from this adapter: its modules, ranks and scales. @throws BasinError when it cannot be read */
  trainFrom(adapter: ChatAdapter): void {
    const { draft, replace } = this.spec.getState();
    const begin = adapter.spec === null ? draft : this.codec.toDraft(adapter.spec);
    const settings = Object.entries(continueSettings(adapter));
    replace(
      settings.reduce((changed, [field, value]) => setPath(changed, `lora.${field}`, value), begin),
      { kind: "edited" },
    );
  }

  /** Writes `model` with the adapter merged into it. */
  mergeInto(model: string, adapter: Pick<ChatAdapter, "id" | "files">, target: MergeTarget, place: string): void {
    if (this.merge.getState().kind === "writing") return;
    const id = this.#newId();
    this.merge.setState({ kind: "writing", id, adapterId: adapter.id, place, done: 0, total: 0 }, true);
    this.#client.send({ type: "merge", mergeId: id, model, adapter: adapter.files, dtype: null, target });
  }

  /** A folder that replays `spec` with PyTorch. @throws BasinError as a run of the spec would, or for a method that is not replayed */
  exportPython(spec: Spec): Promise<PythonArchive> {
    this.#attachAdapters(spec);
    return this.#client.exportPython(spec);
  }

  /** Limits, features and memory of the device; also whether it computes right, or where the time goes. @throws BasinError when there is none, or a run uses it */
  deviceReport(question: DeviceQuestion): Promise<DeviceReport> {
    return this.#client.deviceReport(question);
  }

  /** The kernels that were measured on the device; also measures, stops, forgets. @throws BasinError as `LabClient.kernels` */
  kernels(wish: KernelsCommand): Promise<KernelsReport> {
    return this.#client.kernels(wish);
  }

  stopMerge(): void {
    const state = this.merge.getState();
    if (state.kind === "writing") this.#client.send({ type: "merge_stop", mergeId: state.id });
  }

  stopAnswers(exchange: string): void {
    for (const subject of SUBJECTS) this.#client.send({ type: "chat_stop", chatId: chatId(exchange, subject) });
  }

  /** @param name as a spec names it, where the file is called otherwise now */
  attach(file: File, name = file.name): void {
    this.#client.send({ type: "attach", files: new Map([[name, file]]) });
    this.recovery.attached(name);
    // The plan and the rows may rest on an earlier file of this name.
    this.#askAgain();
  }

  /** The link that reproduces a spec, on this page. */
  link(page: string, draft: JsonObject): string {
    return `${page.split("#")[0] ?? page}#${this.codec.toFragment(draft)}`;
  }

  /** @param reuse the evaluation before training may be an earlier run's of the same model */
  #begin(spec: Spec, reuse: boolean): string {
    const runId = this.#newId();
    this.#attachAdapters(spec);
    const startedAt = this.#now();
    this.run.getState().begin(runId, spec, startedAt);
    this.recovery.begin({ runId, spec, startedAt, reuse, token: this.models.store.getState().hasToken });
    this.#client.send({
      type: "start",
      runId,
      spec,
      reuse,
      resume: false,
      repeats: earlierRun(this.runs.getState().runs, spec),
    });
    return runId;
  }

  #goOn({ run: { runId, spec, startedAt, reuse }, snapshot }: UnfinishedEntry): string {
    this.#attachAdapters(spec);
    this.run.getState().begin(runId, spec, startedAt, snapshot?.stage === "training" ? snapshot.step : 0);
    void this.recovery.takeOver(runId).then((taken) => {
      const { run } = this.run.getState();
      if (taken && isActive(run) && run.asked === null)
        this.#client.send({ type: "start", runId, spec, reuse, resume: true, repeats: null });
      else
        this.#take([
          {
            type: "failed",
            runId,
            failure: { what: "Another tab has taken this run", where: "run", fix: "See there how it goes on." },
            lastStep: 0,
            adapterKept: false,
          },
        ]);
    });
    return runId;
  }

  /** Goes on with the interrupted run of a table's cell. @returns its id; null where there is none */
  #goOnWith(cell: Spec): string | null {
    const entry = this.recovery.store
      .getState()
      .entries.find(
        ({ status, run: { spec } }) =>
          status === "interrupted" && sameJson({ ...spec, name: "" }, { ...cell, name: "" }),
      );
    return entry === undefined ? null : this.#goOn(entry);
  }

  /** A run has just ended: it goes into the history, and a table may count it or go on. */
  async #ended(before: ActiveRunState, after: RunState): Promise<void> {
    const { runId, spec } = before.log;
    const ending = runEnding(before, after, this.recovery.left(runId));
    const ended = toStoredRun(after, this.#now());
    const answers =
      ended?.answers?.flatMap(({ when, answers: list }) => list.map((answer): MomentAnswer => ({ ...answer, when }))) ??
      [];
    // A run that failed before its first step has nothing to keep; the run area shows why.
    if (ended !== null && ended.steps.length > 0) await this.runs.getState().add(ended);
    await this.recovery.ended(runId, ending);
    const stopped = after.kind === "idle" || (after.kind === "finished" && after.report.outcome === "stopped");
    if (stopped) await this.tables.ended(runId, spec, { kind: "stopped" });
    else if (after.kind === "finished")
      await this.tables.ended(runId, spec, { kind: "finished", report: after.report, answers });
    else if (after.kind === "failed") await this.tables.ended(runId, spec, { kind: "failed", failure: after.failure });
  }

  /** A run that names adapters of the history or of the chat: the worker needs their files. */
  #attachAdapters({ lora, method }: Spec): void {
    for (const name of [lora.init_adapter, safeAdapterFile(bindMethod(method).before)])
      if (name !== null) this.#attachAdapter(name);
  }

  #attachAdapter(name: string): void {
    const run = name.startsWith(RUN_ADAPTER)
      ? this.runs.getState().runs.find(({ runId }) => runId === name.slice(RUN_ADAPTER.length))
      : undefined;
    const added = name.startsWith(ADDED_ADAPTER)
      ? this.chat.getState().addedAdapters.find(({ id }) => id === name)
      : undefined;
    const files = run?.adapter ?? added?.files;
    if (files) this.#client.send({ type: "attach_adapter", name, files });
  }

  /** Plan and rows are asked for again: what a name stands for may have changed. */
  #askAgain(): void {
    this.plan.setState({ kind: "unknown", key: null }, true);
    this.data.setState({ kind: "empty" }, true);
  }

  #control(wish: "pause" | "resume" | "stop" | "discard"): void {
    const { run, ask } = this.run.getState();
    if (!isActive(run)) return;
    ask(wish);
    const { runId } = run.log;
    // A second stop ends the run without its last evaluation.
    if (wish === "discard") for (let i = 0; i < 2; i++) this.#client.send({ type: "stop", runId });
    else this.#client.send({ type: wish, runId });
  }

  #take(events: readonly Announcement[]): void {
    const chat: ChatEvent[] = [];
    for (const event of events) {
      switch (event.type) {
        case "device_ready":
          this.device.setState({ kind: "ready", device: event.device }, true);
          break;
        case "device_missing":
          this.device.setState({ kind: "missing", failure: event.failure }, true);
          break;
        case "device_lost": {
          const before = this.device.getState();
          this.device.setState(
            { kind: "lost", failure: event.failure, device: before.kind === "ready" ? before.device : null },
            true,
          );
          break;
        }
        case "adapter":
          this.run.getState().takeAdapter(event.runId, event.files);
          break;
        case "answers":
          this.run.getState().takeAnswers(event.runId, { when: event.when, step: event.step, answers: event.answers });
          break;
        case "checkpoint":
          this.recovery.saved(event.runId, event);
          break;
        case "checkpoint_failed":
          this.recovery.notSaved(event.why);
          break;
        case "goes_on":
          this.run.getState().returned(event.runId, event);
          break;
        case "chat_token":
        case "chat_done":
        case "chat_failed":
          chat.push(event);
          break;
        case "merge_progress":
        case "merge_done":
        case "merge_failed":
          this.merge.setState(afterMerge(this.merge.getState(), event), true);
          break;
        default:
          break;
      }
    }
    if (chat.length > 0) this.chat.getState().take(chat);
    const runEvents = events.filter(isRunEvent);
    if (runEvents.length === 0) return;
    const before = this.run.getState().run;
    this.run.getState().take(runEvents);
    const after = this.run.getState().run;
    if (after !== before) {
      if (isActive(before) && !isActive(after)) void this.#ended(before, after);
      if (isActive(after))
        this.recovery.progress(after.log.runId, after.log.steps.length, after.log.plan?.totalSteps ?? null);
      // What the run fetched is kept now.
      if (after.kind === "finished" || after.kind === "failed") void this.storage.refresh();
    }
  }
}

function subjectOf(name: SubjectName, spec: Spec, tuned: ChatAdapter | null): ChatSubject | null {
  if (name === "unaligned") return spec.model.unaligned === null ? null : { kind: "unaligned" };
  if (name === "aligned") return { kind: "aligned" };
  return tuned === null ? null : { kind: "tuned", adapterId: tuned.id, adapter: tuned.files };
}

/**
 * An adapter folder as a zip: the two files that PEFT reads, and the spec that made them.
 * @throws BasinError when the run kept no adapter
 */
export function adapterZip(run: Pick<StoredRun, "adapter" | "spec" | "runId">): Uint8Array<ArrayBuffer> {
  if (run.adapter === null) {
    throw new BasinError({
      what: "This run has no adapter",
      where: `run ${run.runId}`,
      fix: "It failed before its first step. Run it again.",
    });
  }
  const spec = new TextEncoder().encode(`${JSON.stringify(run.spec, null, 2)}\n`);
  // Weights hardly compress: stored, not deflated.
  return zipSync({ ...run.adapter, "basin_spec.json": spec }, { level: 0 });
}
