/**
 * @file Files on the user's own disk as a byte source (browser only): a folder handle from the directory picker, or a
 * list of File objects from a file input or from drag and drop. Both kinds can be posted to a worker.
 */
import { missingFile, shortRead, unreadableFile, type ByteSource } from "./byteSource.ts";

const UNREADABLE = "The file was moved or changed, or the page lost its permission. Choose the folder again.";

/** A source over files keyed by path; see `filesByPath` for a file input's list. */
export function fileListSource(name: string, files: ReadonlyMap<string, File>): ByteSource {
  return fromLookup(name, async (path) => files.get(path) ?? null);
}

/** A source over a directory handle (File System Access API). */
export function directorySource(handle: FileSystemDirectoryHandle): ByteSource {
  // One File per path is kept: asking the handle for each range would stat the disk each time.
  const known = new Map<string, File>();
  return fromLookup(handle.name, async (path) => {
    const kept = known.get(path);
    if (kept !== undefined) return kept;
    const parts = path.split("/");
    const fileName = parts.pop() ?? "";
    try {
      let folder = handle;
      for (const part of parts) folder = await folder.getDirectoryHandle(part);
      const file = await (await folder.getFileHandle(fileName)).getFile();
      known.set(path, file);
      return file;
    } catch (cause) {
      if (cause instanceof DOMException && (cause.name === "NotFoundError" || cause.name === "TypeMismatchError"))
        return null;
      throw unreadableFile(handle, path, { fix: UNREADABLE, cause });
    }
  });
}

/**
 * Paths relative to the folder that holds config.json (a folder input gives "folder/config.json", a plain one only
 * "config.json"). Files outside that folder are left out. Without any config.json the names are used as they are.
 */
export function filesByPath(files: Iterable<File>): Map<string, File> {
  const all = [...files].map((file) => ({
    path: file.webkitRelativePath === "" ? file.name : file.webkitRelativePath,
    file,
  }));
  const configs = all.map(({ path }) => path).filter((path) => path === "config.json" || path.endsWith("/config.json"));
  const config = configs.reduce<string | null>(
    (best, path) => (best === null || path.length < best.length ? path : best),
    null,
  );
  const prefix = config === null ? "" : config.slice(0, config.length - "config.json".length);
  return new Map(
    all.filter(({ path }) => path.startsWith(prefix)).map(({ path, file }) => [path.slice(prefix.length), file]),
  );
}

function fromLookup(name: string, find: (path: string) => Promise<File | null>): ByteSource {
  const need = async (path: string): Promise<File> => {
    const file = await find(path);
    if (file === null) throw missingFile({ name }, path);
    return file;
  };
  return {
    name,
    async has(path) {
      return (await find(path)) !== null;
    },
    async size(path) {
      return (await need(path)).size;
    },
    async read(path, start, end, signal) {
      signal?.throwIfAborted();
      const file = await need(path);
      if (end > file.size) throw shortRead({ name }, path, start, end, Math.max(0, file.size - start));
      try {
        return new Uint8Array(await file.slice(start, end).arrayBuffer());
      } catch (cause) {
        throw unreadableFile({ name }, path, { fix: UNREADABLE, cause });
      }
    },
  };
}
