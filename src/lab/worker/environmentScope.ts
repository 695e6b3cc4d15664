/**
 * @file What one user of the page's environment has opened: a run, the chat, a preview, an export. Each closes its own
 * checkpoints and judges, and nobody else's.
 */
import type { TextClassifier } from "../../eval/judges/textClassifier.ts";
import type { RunEnvironment } from "../../experiment/run/environment.ts";
import type { DataFile } from "../../text/data/table.ts";
import type { AdapterFiles } from "../../weights/adapterFile.ts";
import type { ByteSource } from "../../weights/byteSource.ts";
import type { HubSource } from "../../weights/hubSource.ts";
import type { Transfer } from "../../weights/transfer.ts";
import type { RemoteCheckpoint } from "../../weights/workerReader.ts";
import type { PageEnvironment } from "./environment.ts";
import { JudgeClient } from "./judgeClient.ts";

/** An environment whose user says when it needs nothing of it any more. */
export interface ReleasableEnvironment extends RunEnvironment {
  /** Closes what was opened since the last call. */
  release(): void;
}

export class EnvironmentScope implements ReleasableEnvironment {
  readonly #page: PageEnvironment;
  readonly #judges: JudgeClient;
  #opened: RemoteCheckpoint[] = [];

  constructor(page: PageEnvironment, judges: JudgeClient = new JudgeClient()) {
    this.#page = page;
    this.#judges = judges;
  }

  get versions(): Readonly<Record<string, string>> {
    return this.#page.versions;
  }

  get systemMemory(): number | undefined {
    return this.#page.systemMemory;
  }

  async openModel(
    name: string,
    signal?: AbortSignal,
    onTransfer?: (transfer: Transfer) => void,
  ): Promise<RemoteCheckpoint> {
    const checkpoint = await this.#page.openModel(name, signal, onTransfer);
    this.#opened.push(checkpoint);
    return checkpoint;
  }

  openData(path: string, signal?: AbortSignal): Promise<DataFile> {
    return this.#page.openData(path, signal);
  }

  openDataset(repo: string, revision: string): HubSource {
    return this.#page.openDataset(repo, revision);
  }

  readAdapter(path: string, signal?: AbortSignal): Promise<AdapterFiles> {
    return this.#page.readAdapter(path, signal);
  }

  attachAdapter(name: string, files: AdapterFiles): void {
    this.#page.attachAdapter(name, files);
  }

  openClassifier(name: string, signal?: AbortSignal): Promise<TextClassifier> {
    return this.#judges.open(this.#page.classifierSource(name), signal);
  }

  source(name: string): ByteSource {
    return this.#page.source(name);
  }

  now(): number {
    return performance.now();
  }

  release(): void {
    this.#judges.close();
    for (const checkpoint of this.#opened) checkpoint.close();
    this.#opened = [];
  }
}
