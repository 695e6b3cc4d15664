/** @file What experiments read in a browser: models through the weights worker, files chosen in the page, addresses. */
import { BasinError } from "../../base/error.ts";
import type { DataFile } from "../../text/data/table.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import { readAdapterFiles } from "../../weights/adapterSource.ts";
import type { ByteSource } from "../../weights/byteSource.ts";
import { openDescriptor, type SourceDescriptor } from "../../weights/descriptor.browser.ts";
import { hubSource, type HubSource } from "../../weights/hubSource.ts";
import { parseModelName } from "../../weights/modelName.ts";
import type { Transfer } from "../../weights/transfer.ts";
import type { RemoteCheckpoint, WeightsClient } from "../../weights/workerReader.ts";
import { openPageData } from "./dataFiles.ts";
import { EnvironmentScope } from "./environmentScope.ts";
import { ADDED_ADAPTER, RUN_ADAPTER } from "./protocol/adapterNames.ts";
import type { HubAccess } from "./protocol/inputs.ts";

/** A spec names two adapters at most, and they are attached right before it is run. */
const MOST_ADAPTERS = 8;

/** What the page has given, and how models are named; whoever opens something does so in a scope of its own. */
export class PageEnvironment {
  readonly versions: Readonly<Record<string, string>>;
  /**
   * Browsers tell it in steps and never more than a few GiB, so that plans for software adapters are on the safe side.
   */
  readonly systemMemory =
    (navigator as { readonly deviceMemory?: number }).deviceMemory === undefined
      ? undefined
      : 2 ** 30 * ((navigator as { readonly deviceMemory?: number }).deviceMemory ?? 0);
  #client: WeightsClient<SourceDescriptor>;
  readonly #home: string;
  readonly #files = new Map<string, File>();
  readonly #adapters = new Map<string, AdapterFiles>();
  readonly #folders = new Map<string, SourceDescriptor>();
  #hub: HubAccess = {};

  /** @param home address of the folder that the page is served from */
  constructor(client: WeightsClient<SourceDescriptor>, home: string, versions: Readonly<Record<string, string>>) {
    this.#client = client;
    this.#home = home;
    this.versions = versions;
  }

  /** The weights worker has failed, and with it whatever is being read. @param fatal so does whatever is read later */
  onWeightsFailure(error: unknown, fatal: boolean): void {
    this.#client.fail(error, fatal);
  }

  /** The weights worker is gone: what it had open fails with `error`, and models are opened through `client` now. */
  replaceWeights(client: WeightsClient<SourceDescriptor>, error: unknown): void {
    this.#client.fail(error, true);
    this.#client = client;
  }

  attachFiles(files: ReadonlyMap<string, File>): void {
    for (const [name, file] of files) this.#files.set(name, file);
  }

  /** The adapters that were attached last are there. */
  attachAdapter(name: string, files: AdapterFiles): void {
    this.#adapters.delete(name);
    this.#adapters.set(name, files);
    for (const oldest of this.#adapters.keys()) {
      if (this.#adapters.size <= MOST_ADAPTERS) return;
      this.#adapters.delete(oldest);
    }
  }

  /** A folder of this computer, from now on the model `folder:NAME`. */
  attachFolder(name: string, source: SourceDescriptor): void {
    this.#folders.set(name, source);
  }

  /** Token and address for the hub models that are opened from now on. */
  useHub(access: HubAccess): void {
    this.#hub = access;
  }

  /** Opens for one user of the environment. */
  scope(): EnvironmentScope {
    return new EnvironmentScope(this);
  }

  /** Has `work` done in a scope of its own, and closes what it has opened there. */
  async within<T>(work: (environment: EnvironmentScope) => Promise<T>): Promise<T> {
    const scope = this.scope();
    try {
      return await work(scope);
    } finally {
      scope.release();
    }
  }

  /** Whoever opens it closes it. @throws BasinError when there is none */
  openModel(name: string, signal?: AbortSignal, onProgress?: (transfer: Transfer) => void): Promise<RemoteCheckpoint> {
    const source = modelSource(name, { home: this.#home, folders: this.#folders, hub: this.#hub });
    return this.#client.open(source, { ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) });
  }

  /** The files of a model, read directly. */
  source(name: string): ByteSource {
    return openDescriptor(modelSource(name, { home: this.#home, folders: this.#folders, hub: this.#hub }));
  }

  openData(path: string, signal?: AbortSignal): Promise<DataFile> {
    return openPageData(path, this.#files, signal);
  }

  openDataset(repo: string, revision: string): HubSource {
    return hubSource({ repo, revision, type: "dataset", ...this.#hub });
  }

  async readAdapter(path: string, signal?: AbortSignal): Promise<AdapterFiles> {
    const known = this.#adapters.get(path);
    if (known !== undefined) return known;
    if (path.startsWith(RUN_ADAPTER)) {
      throw new BasinError({
        what: `There is no run ${path.slice(RUN_ADAPTER.length)} with an adapter in this browser`,
        where: "lora.init_adapter",
        fix: "Clear the field to start from a fresh adapter, or choose a run of the history.",
      });
    }
    if (path.startsWith(ADDED_ADAPTER)) {
      throw new BasinError({
        what: `The adapter ${path.slice(ADDED_ADAPTER.length)} has not been added in this tab`,
        where: "lora.init_adapter",
        fix: "Add its folder again in Chat, then choose “Continue training from this adapter”.",
      });
    }
    if (parseModelName(path).kind === "bundled") {
      throw new BasinError({
        what: `The adapter ${path} cannot be read: a page has no access to folders by name`,
        where: "lora.init_adapter",
        fix:
          "Give owner/name of the hub or an address that begins with https://, " +
          "add the folder in Chat, or use the command line.",
      });
    }
    return readAdapterFiles(
      openDescriptor(modelSource(path, { home: this.#home, folders: this.#folders, hub: this.#hub })),
      signal,
    );
  }

  /** Where a text classifier's files are. */
  classifierSource(name: string): SourceDescriptor {
    return parseModelName(name).kind === "bundled"
      ? { kind: "url", base: new URL(`judges/${encodeURIComponent(name)}/`, this.#home).href, name }
      : modelSource(name, { home: this.#home, folders: this.#folders, hub: this.#hub });
  }
}

/**
 * Where a model's files are, by its name (weights/modelName.ts). @throws BasinError for a malformed name or a folder
 * that was not chosen
 */
export function modelSource(
  text: string,
  {
    home,
    folders = new Map(),
    hub = {},
  }: { readonly home: string; readonly folders?: ReadonlyMap<string, SourceDescriptor>; readonly hub?: HubAccess },
): SourceDescriptor {
  const model = parseModelName(text);
  switch (model.kind) {
    case "bundled":
      return { kind: "url", base: new URL(`models/${encodeURIComponent(model.name)}/`, home).href, name: text };
    case "relative":
      return { kind: "url", base: new URL(model.path, home).href, name: text };
    case "url":
      return { kind: "url", base: model.base };
    case "hub":
      return { kind: "hub", repo: model.repo, revision: model.revision, ...hub, name: text };
    case "folder": {
      const folder = folders.get(model.name);
      if (folder !== undefined) return folder;
      throw new BasinError({
        what: `The folder ${model.name} has not been chosen in this tab`,
        where: text,
        fix: "Choose it again under Model: a page may not open folders by itself.",
      });
    }
  }
}
