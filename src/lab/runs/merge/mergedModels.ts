/**
 * @file Merged models in this browser's private storage: archives made for a download, kept until they are removed.
 *
 *     basin-merged <path of the site>/<used>-<title>.zip     used: when it was made or downloaded last, ms since 1970
 *     merged-models/merged.zip                               of earlier versions, which held the last one only
 */

export interface MergedModel {
  /** Name of its file. */
  readonly id: string;
  readonly title: string;
  readonly bytes: number;
  /** When it was made or downloaded last, milliseconds since 1970. */
  readonly usedAt: number;
}

const EARLIER_FOLDER = "merged-models";
const NAME = /^(\d+)-(.+)\.zip$/;

/** Not in TypeScript's DOM library yet. */
interface MovableFile extends FileSystemFileHandle {
  move?(name: string): Promise<void>;
}

export class MergedModels {
  readonly #folder: () => Promise<FileSystemDirectoryHandle>;
  readonly #earlier: () => Promise<FileSystemDirectoryHandle>;
  readonly #now: () => number;

  /**
   * @param home address of the folder that the page is served from
   * @param root the origin's private storage
   */
  constructor(
    home: string,
    root: () => Promise<FileSystemDirectoryHandle> = () => navigator.storage.getDirectory(),
    now: () => number = () => Date.now(),
  ) {
    const name = `basin-merged ${encodeURIComponent(new URL(home).pathname)}`;
    this.#folder = async () => (await root()).getDirectoryHandle(name, { create: true });
    this.#earlier = async () => (await root()).getDirectoryHandle(EARLIER_FOLDER);
    this.#now = now;
  }

  /** Those that were not used for longest come last. */
  async list(): Promise<readonly MergedModel[]> {
    const found: MergedModel[] = [];
    for (const folder of [await this.#folder(), await this.#earlier().catch(() => null)]) {
      if (folder === null) continue;
      for await (const handle of folder.values()) {
        if (handle.kind === "file") found.push(await describe(handle as FileSystemFileHandle));
      }
    }
    return found.sort((a, b) => b.usedAt - a.usedAt);
  }

  /** A file for a model that is being merged, empty. @param title such as "merged-SmolLM2-135M" */
  async create(title: string): Promise<FileSystemFileHandle> {
    const name = `${this.#now()}-${title.replaceAll(/[^\w.-]+/g, "-")}.zip`;
    return (await this.#folder()).getFileHandle(name, { create: true });
  }

  /** The archive, which counts as used. */
  async open(id: string): Promise<File> {
    const { handle } = await this.#find(await this.use(id));
    return handle.getFile();
  }

  /** Counts it as used now. @returns its id from now on */
  async use(id: string): Promise<string> {
    const { handle } = await this.#find(id);
    // Where files cannot be renamed, its age stays that of its making.
    if (!NAME.test(id) || handle.move === undefined) return id;
    const name = `${this.#now()}-${titleOf(id)}.zip`;
    await handle.move(name);
    return name;
  }

  async remove(id: string): Promise<void> {
    const { folder } = await this.#find(id);
    await folder.removeEntry(id);
  }

  async #find(id: string): Promise<{ readonly folder: FileSystemDirectoryHandle; readonly handle: MovableFile }> {
    const own = await this.#folder();
    const folder = NAME.test(id) ? own : await this.#earlier();
    return { folder, handle: await folder.getFileHandle(id) };
  }
}

async function describe(handle: FileSystemFileHandle): Promise<MergedModel> {
  const file = await handle.getFile();
  const match = NAME.exec(handle.name);
  return {
    id: handle.name,
    title: titleOf(handle.name),
    bytes: file.size,
    usedAt: match === null ? file.lastModified : Number(match[1]),
  };
}

function titleOf(id: string): string {
  return NAME.exec(id)?.[2] ?? id.replace(/\.zip$/, "");
}

/** After so long without a use, the page asks whether they are still wanted. */
const EXPIRES_MS = 14 * 24 * 60 * 60 * 1000;

/** Those that were not used for long. */
export function expired(models: readonly MergedModel[], now: number): readonly MergedModel[] {
  return models.filter(({ usedAt }) => now - usedAt > EXPIRES_MS);
}
