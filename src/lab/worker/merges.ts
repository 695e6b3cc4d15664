/**
 * @file Writing merged models from the page: into a folder that the user chose, or into an archive in the browser's own
 * storage, which the page then offers for download. Both are streamed; nothing is held in memory but a few chunks.
 */
import { Zip, ZipPassThrough } from "fflate";
import { BasinError } from "../../base/error.ts";
import { decodeAdapter } from "../../weights/adapterFile.ts";
import type { RemoteCheckpoint } from "../../weights/workerReader.ts";
import { mergeModel, type FileSink } from "../../weights/mergeModel.ts";
import type { MergedModels } from "../runs/merge/mergedModels.ts";
import { toFailure } from "../support/failure.ts";
import type { MergeEvent, WriteMergedCommand } from "./protocol/merge.ts";

/** What merging needs of the page's environment. */
export interface MergeEnvironment {
  openModel(name: string, signal?: AbortSignal): Promise<RemoteCheckpoint>;
}

/** A zip without the 64-bit extension, which is what the library writes, holds no more. */
const MOST_ARCHIVE_BYTES = 4_000_000_000;

export class Merges {
  readonly #environment: MergeEnvironment;
  readonly #archives: MergedModels;
  readonly #emit: (event: MergeEvent) => void;
  readonly #stops = new Map<string, AbortController>();

  constructor(environment: MergeEnvironment, archives: MergedModels, emit: (event: MergeEvent) => void) {
    this.#environment = environment;
    this.#archives = archives;
    this.#emit = emit;
  }

  /** Never throws: a failure is an event. */
  async run({ mergeId, model, adapter: files, dtype, target }: WriteMergedCommand): Promise<void> {
    const stop = new AbortController();
    this.#stops.set(mergeId, stop);
    let checkpoint: RemoteCheckpoint | null = null;
    let archive: ArchiveSink | null = null;
    try {
      const adapter = decodeAdapter(files);
      checkpoint = await this.#environment.openModel(model, stop.signal);
      if (target.kind === "archive") {
        const bytes = [...checkpoint.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
        if (bytes > MOST_ARCHIVE_BYTES) {
          throw new BasinError({
            what: "The merged model is larger than an archive may be (4 GB)",
            where: model,
            fix: "Use a browser that can write into a folder (Chrome, Edge), or `basin merge` on the command line.",
          });
        }
        archive = await ArchiveSink.create(this.#archives, model);
      }
      const report = await mergeModel({
        checkpoint,
        adapter,
        sink: archive ?? directorySink(target.kind === "folder" ? target.folder : unreachable()),
        ...(dtype === null ? {} : { dtype }),
        signal: stop.signal,
        onProgress: (done, total) => this.#emit({ type: "merge_progress", mergeId, done, total }),
      });
      this.#emit({ type: "merge_done", mergeId, report, archive: archive === null ? null : await archive.finish() });
    } catch (error) {
      await archive?.discard();
      this.#emit({ type: "merge_failed", mergeId, failure: stop.signal.aborted ? null : toFailure(error, "merge") });
    } finally {
      checkpoint?.close();
      this.#stops.delete(mergeId);
    }
  }

  stop(mergeId: string): void {
    this.#stops.get(mergeId)?.abort();
  }
}

/** A folder of the File System Access API. The browser shows a file under its name only when it is closed. */
export function directorySink(folder: FileSystemDirectoryHandle): FileSink {
  return {
    async create(path) {
      const file = await folder.getFileHandle(path, { create: true });
      const stream = await file.createWritable();
      return {
        write: (bytes) => stream.write(bytes),
        close: () => stream.close(),
        abort: async () => {
          await stream.abort();
          // What was there before stays; the empty file that stood for a new one goes.
          if ((await file.getFile()).size === 0) await folder.removeEntry(path);
        },
      };
    },
  };
}

/** A zip (stored, not deflated: weights hardly compress) in the origin's private storage. */
class ArchiveSink implements FileSink {
  readonly #archives: MergedModels;
  readonly #file: FileSystemFileHandle;
  readonly #stream: FileSystemWritableFileStream;
  readonly #zip: Zip;
  #pending: Promise<void> = Promise.resolve();

  private constructor(archives: MergedModels, file: FileSystemFileHandle, stream: FileSystemWritableFileStream) {
    this.#archives = archives;
    this.#file = file;
    this.#stream = stream;
    this.#zip = new Zip((error, chunk) => {
      // The chunk is a view of what the caller may use again: it is written before the caller goes on.
      this.#pending = this.#pending.then(() =>
        error === null ? stream.write(new Uint8Array(chunk)) : Promise.reject(error),
      );
    });
  }

  static async create(archives: MergedModels, model: string): Promise<ArchiveSink> {
    const file = await archives.create(`merged-${lastPart(model)}`);
    return new ArchiveSink(archives, file, await file.createWritable());
  }

  async create(path: string): ReturnType<FileSink["create"]> {
    const entry = new ZipPassThrough(path);
    this.#zip.add(entry);
    return {
      write: (bytes) => {
        entry.push(bytes, false);
        return this.#pending;
      },
      close: () => {
        entry.push(new Uint8Array(), true);
        return this.#pending;
      },
      abort: async () => undefined,
    };
  }

  async finish(): Promise<File> {
    this.#zip.end();
    await this.#pending;
    await this.#stream.close();
    return this.#file.getFile();
  }

  async discard(): Promise<void> {
    await this.#stream.abort().catch(() => undefined);
    await this.#archives.remove(this.#file.name).catch(() => undefined);
  }
}

/** "SmolLM2-135M" of "HuggingFaceTB/SmolLM2-135M" or of an address. */
function lastPart(model: string): string {
  return (
    model
      .split("/")
      .filter((part) => part !== "")
      .at(-1) ?? "model"
  );
}

function unreachable(): never {
  throw new Error("unreachable");
}
