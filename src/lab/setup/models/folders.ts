/**
 * @file Models in folders of this computer, from drag and drop or a file input.
 *
 * A model is a folder with a config.json. The user may drop one such folder, two, a folder that contains several, or
 * loose files. Folders whose names begin with a dot (.git, .cache) are ignored.
 */
import type { FoundFolder } from "./modelController.ts";

/** A file and its path, which starts with the name of the dropped or chosen folder. */
export interface GivenFile {
  readonly path: string;
  readonly file: File;
}

const MAX_FILES = 5000;
const MAX_DEPTH = 4;

/** The models among the files. Without a config.json, all files as one model: opening it reports what is missing. */
export function foldersOf(given: readonly GivenFile[], looseName = "dropped files"): FoundFolder[] {
  const files = given.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
  const homes = files
    .map(({ path }) => path)
    .filter((path) => path === "config.json" || path.endsWith("/config.json"))
    .map((path) => path.slice(0, -"config.json".length));
  // Only the outermost: a model may have more configurations in subfolders (onnx/, original/).
  const models = [...new Set(homes)]
    .filter((home) => !homes.some((other) => other !== home && home.startsWith(other)))
    .sort();
  if (models.length === 0) {
    if (files.length === 0) return [];
    const top = files[0]?.path.split("/") ?? [];
    return [
      {
        name: top.length > 1 ? (top[0] ?? looseName) : looseName,
        source: {
          kind: "files",
          name: top.length > 1 ? (top[0] ?? looseName) : looseName,
          files: new Map(files.map(({ path, file }) => [path.split("/").slice(1).join("/") || path, file])),
        },
      },
    ];
  }
  const names = models.map((home) => home.split("/").at(-2) ?? looseName);
  return models.map((home, i) => {
    const own = names[i] ?? looseName;
    const name = names.indexOf(own) === i ? own : home.replace(/\/$/, "");
    const inside = files
      .filter(({ path }) => path.startsWith(home))
      .map(({ path, file }): [string, File] => [path.slice(home.length), file]);
    return { name, source: { kind: "files", name, files: new Map(inside) } };
  });
}

/** Models in the files of an `<input webkitdirectory>` or of a plain file input. */
export function foldersOfInput(list: Iterable<File>): FoundFolder[] {
  const files = [...list];
  const paths = files.map((file) => ({
    path: file.webkitRelativePath === "" ? file.name : file.webkitRelativePath,
    file,
  }));
  return foldersOf(paths, paths.length > 0 ? "chosen files" : undefined);
}

/** The chosen directory if it is a model, or the models in it. */
export async function foldersOfHandle(handle: FileSystemDirectoryHandle): Promise<FoundFolder[]> {
  const isModel = (folder: FileSystemDirectoryHandle): Promise<boolean> =>
    folder.getFileHandle("config.json").then(
      () => true,
      () => false,
    );
  if (await isModel(handle)) return [{ name: handle.name, source: { kind: "directory", handle } }];
  const found: FoundFolder[] = [];
  for await (const child of handle.values()) {
    if (child instanceof FileSystemDirectoryHandle && !child.name.startsWith(".") && (await isModel(child)))
      found.push({ name: child.name, source: { kind: "directory", handle: child } });
  }
  return found.length > 0
    ? found.sort((a, b) => (a.name < b.name ? -1 : 1))
    : [{ name: handle.name, source: { kind: "directory", handle } }];
}

/** Not in TypeScript's DOM types, and not in every browser. */
interface WindowWithPicker {
  showDirectoryPicker?(options: { readonly id: string; readonly mode: "read" }): Promise<FileSystemDirectoryHandle>;
}

/** Asks for a folder. @returns null if the user cancels; "unsupported" if the browser has no directory picker */
export async function pickFolder(): Promise<FileSystemDirectoryHandle | null | "unsupported"> {
  const { showDirectoryPicker } = window as WindowWithPicker;
  if (showDirectoryPicker === undefined) return "unsupported";
  return showDirectoryPicker.call(window, { id: "basin-model", mode: "read" }).catch(() => null);
}

/** Models among the dropped files. Call it within the drop event: the list is empty afterwards. */
export async function foldersOfDrop(transfer: DataTransfer): Promise<FoundFolder[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files: GivenFile[] = entries.length > 0 ? [] : [...transfer.files].map((file) => ({ path: file.name, file }));
  for (const entry of entries) await walk(entry, "", files, 0);
  return foldersOf(files);
}

async function walk(entry: FileSystemEntry, folder: string, into: GivenFile[], depth: number): Promise<void> {
  if (into.length >= MAX_FILES || depth > MAX_DEPTH || entry.name.startsWith(".")) return;
  const path = `${folder}${entry.name}`;
  if (isFile(entry)) {
    into.push({ path, file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) });
  } else if (isDirectory(entry)) {
    const reader = entry.createReader();
    // Chromium returns 100 entries at a time.
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) break;
      for (const child of some) await walk(child, `${path}/`, into, depth + 1);
    }
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

const ALIGNED = /instruct|chat|(^|[-_.])it($|[-_.])|aligned|sft|dpo|rlhf/i;
const UNALIGNED = /(^|[-_.])(base|pt|unaligned|pretrained)($|[-_.])/i;

/** Guesses from the names which of two models is the aligned one; keeps the order if the names do not tell. */
export function orderPair(first: string, second: string): { readonly aligned: string; readonly unaligned: string } {
  const score = (name: string): number => (UNALIGNED.test(name) ? -1 : ALIGNED.test(name) ? 1 : 0);
  return score(second) > score(first) ? { aligned: second, unaligned: first } : { aligned: first, unaligned: second };
}
