/**
 * @file The lab put together: every store and controller, and who hears of what.
 *
 *     the worker's events ──▸ onEvents of the controllers ──▸ stores ──▸ React draws (shell/app/labContext.ts)
 *     the user's commands ──▸ methods of the controllers  ──▸ commands and requests to the worker
 *
 * One idiom: a store is a vanilla zustand store that `createXStore` makes in a module of its own. Its state is plain
 * data, and the actions that change nothing but it. Whatever talks to a worker, to storage or to another tab is a
 * controller: a class that owns its stores. Nobody else sets them.
 */
import type { AnalysisResult } from "../analysis/analysis.ts";
import type { AnalysisRequest } from "../experiment/analyse/runAnalysis.ts";
import { canonical } from "../experiment/spec/canonical.ts";
import type { Spec } from "../experiment/spec/spec.ts";
import { BasinController } from "./basin/basinController.ts";
import { ChatController } from "./chat/chatController.ts";
import { PreviewController } from "./data/previewController.ts";
import { RecoveryController } from "./recovery/recoveryController.ts";
import { ReloadController } from "./recovery/reloadController.ts";
import { RunController } from "./run/runController.ts";
import { MergeController } from "./runs/merge/mergeController.ts";
import { HistoryController } from "./runs/historyController.ts";
import type { Later } from "./runs/unsavedRuns.ts";
import type { RunSummary } from "./runs/runSummary.ts";
import { createReceivedStore, type ReceivedStore } from "./runs/share/receivedStore.ts";
import { InputController } from "./setup/inputController.ts";
import { ModelController } from "./setup/models/modelController.ts";
import type { StorageController } from "./setup/models/storageController.ts";
import { createSpecStore, type SpecCodec, type SpecStore } from "./setup/specStore.ts";
import type { HostController } from "./shell/hosts/hostController.ts";
import { DeviceController } from "./shell/header/deviceController.ts";
import type { Archives } from "./storage/archives.ts";
import { toFailure } from "./support/failure.ts";
import { storageFailure } from "./support/storageFailure.ts";
import { TableController } from "./table/tableController.ts";
import type { StoreApi } from "zustand/vanilla";
import { createCurveSettingsStore, type CurveSettingsState } from "./run/curves/curveSettings.ts";
import { createViewStore, type ViewState } from "./shell/app/viewStore.ts";
import type { LabClient } from "./worker/client.ts";
import type { PythonArchive } from "./worker/protocol/requests.ts";

export interface LabOptions {
  readonly client: LabClient;
  readonly codec: SpecCodec;
  readonly archives: Archives;
  readonly storage: StorageController;
  readonly hosts: HostController;
  readonly now: () => number;
  readonly newId: () => string;
  /** When what the storage refused is tried again; by a timer where absent. */
  readonly later?: Later;
}

export interface Lab {
  readonly codec: SpecCodec;
  readonly spec: SpecStore;
  readonly received: ReceivedStore;
  readonly view: StoreApi<ViewState>;
  readonly curves: StoreApi<CurveSettingsState>;
  readonly hosts: HostController;
  readonly device: DeviceController;
  readonly models: ModelController;
  readonly inputs: InputController;
  readonly preview: PreviewController;
  readonly run: RunController;
  readonly recovery: RecoveryController;
  readonly reload: ReloadController;
  readonly history: HistoryController;
  readonly table: TableController;
  readonly chat: ChatController;
  readonly merge: MergeController;
  readonly basin: BasinController;
  readonly storage: StorageController;
  /** @throws BasinError as `runAnalysis` (experiment/analyse) */
  readonly analyse: (request: AnalysisRequest) => Promise<AnalysisResult>;
  /**
   * A folder that replays `spec` with PyTorch, as a zip.
   * @throws BasinError as a run of the spec would, or for a method that is not replayed
   */
  readonly exportPython: (spec: Spec) => Promise<PythonArchive>;
  /** Reads what an earlier visit left. */
  readonly load: () => Promise<void>;
}

export function createLab(options: LabOptions): Lab {
  const { client } = options;
  const controllers = createControllers(options);
  const { device, models, preview, run, chat, merge, basin } = controllers;
  const { inputs, recovery, reload, history, table } = controllers;
  client.listen((events) => {
    for (const controller of [device, models, preview, run, chat, merge, basin]) controller.onEvents(events);
  });
  history.store.subscribe(({ runs }, before) => {
    if (runs !== before.runs) table.refresh();
  });
  options.storage.store.subscribe(({ removing }, before) => {
    // There is room now.
    if (before.removing && !removing) void history.saveAgain();
  });
  return {
    ...controllers,
    analyse: (request) => client.request("analyse", request),
    exportPython: async (spec) => {
      await inputs.attachAdaptersOf(spec);
      return client.request("export_python", { spec });
    },
    load: async () => {
      await Promise.all([recovery.load(), history.load().then(() => table.load())]);
      void reload.resume();
    },
  };
}

type Controllers = Omit<Lab, "analyse" | "exportPython" | "load">;

/** The settings; `hosts` hears which hosts they name and who named them. */
function createSettings(codec: SpecCodec, hosts: HostController, runs: () => readonly RunSummary[]): SpecStore {
  const spec = createSpecStore(codec, (error) => toFailure(error, "link"), {
    isSaved: (settings) => runs().some((run) => canonical(run.spec) === canonical(settings)),
    edited: (before, after) => hosts.edited(before, after),
  });
  spec.subscribe(({ draft, origin }) => hosts.settingsAre(draft, origin.kind === "link"));
  return spec;
}

function createModels(client: LabClient, hosts: HostController, preview: PreviewController): ModelController {
  const models = new ModelController(client, hosts.addressHub, () => preview.invalidate());
  hosts.onChange(() => models.hostsChanged());
  return models;
}

function createHistory({ archives, later }: LabOptions): HistoryController {
  return new HistoryController({
    archive: archives.runs,
    describeError: (error) => storageFailure(error, "this browser’s storage (IndexedDB)"),
    later,
  });
}

function createInputs({
  client,
  history,
  chat,
  recovery,
  preview,
}: Pick<Controllers, "history" | "chat" | "recovery" | "preview"> & Pick<LabOptions, "client">): InputController {
  return new InputController({
    client,
    history,
    chat: chat.store,
    onFile: (name) => {
      recovery.onFile(name);
      preview.invalidate();
    },
  });
}

function createReload(
  { archives: { session } }: LabOptions,
  { run, recovery, table, device, view }: Pick<Controllers, "run" | "recovery" | "table" | "device" | "view">,
): ReloadController {
  const onResume = (): void => view.getState().show("run");
  return new ReloadController({ run, recovery, table, device: device.store, session, onResume });
}

function createControllers(options: LabOptions): Controllers {
  const { client, codec, archives, storage, hosts, now, newId } = options;
  const spec = createSettings(codec, hosts, () => history.runs);
  const received = createReceivedStore();
  const device = new DeviceController(client);
  const preview = new PreviewController(client);
  const models = createModels(client, hosts, preview);
  const recovery = new RecoveryController({ ...archives, now });
  const history = createHistory(options);
  const chat = new ChatController({ client, spec, codec, newId });
  const merge = new MergeController(client, newId);
  const inputs = createInputs({ client, history, chat, recovery, preview });
  const table: TableController = new TableController({
    ...archives,
    begin: (cell) => run.startCell(cell),
    history: () => new Set(history.runs.map(({ runId }) => runId)),
    describeError: (error) => toFailure(error, "table"),
  });
  const run: RunController = new RunController({
    client,
    history,
    recovery,
    inputs,
    hasToken: () => models.store.getState().hasToken,
    onEnd: async (runId, ended, end) => {
      // What the run fetched is in the cache now.
      void storage.refresh();
      await table.onRunEnd(runId, ended, end);
    },
    now,
    newId,
  });
  const view = createViewStore();
  const reload = createReload(options, { run, recovery, table, device, view });
  return {
    codec,
    spec,
    received,
    view,
    curves: createCurveSettingsStore(),
    hosts,
    device,
    models,
    inputs,
    preview,
    run,
    recovery,
    reload,
    history,
    table,
    chat,
    merge,
    basin: new BasinController({ client, history, newId }),
    storage,
  };
}
