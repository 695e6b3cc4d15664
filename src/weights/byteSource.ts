/**
 * @file Where the bytes of a checkpoint come from, as one small interface: a named folder whose files can be read by
 * range.
 *
 *     network   -> urlSource.ts            (any web server)
 *     hub       -> hubSource.ts            (Hugging Face, by repository and revision)
 *     browser   -> fileSource.browser.ts   (picked folder, dropped files)
 *     Node      -> nodeFolder.node.ts
 *     memory    -> memorySource below      (tests, adapters that were just made)
 *
 * Nothing above this interface knows which one it reads.
 */
import { BasinError } from "../base/error.ts";
import { decodeUtf8, parseJson } from "../base/textFormats.ts";

/** The largest piece that is ever read at once (bytes). */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;

export interface ByteSource {
  /** What people call it: a folder, an address, a bundled name. Appears in every error. */
  readonly name: string;
  /** Whether the file is there. Throws only where that cannot be found out (no network, no permission). */
  has(path: string, signal?: AbortSignal): Promise<boolean>;
  /** Length of the file in bytes. Throws a BasinError when it is not there. */
  size(path: string, signal?: AbortSignal): Promise<number>;
  /**
   * The bytes [start, end) of the file, exactly `end - start` of them. The array owns its buffer: the caller may
   * transfer or overwrite it. Throws a BasinError when the file is shorter. A source that gets its bytes little by
   * little tells `onBytes` how many more have come; others need not call it.
   */
  read(
    path: string,
    start: number,
    end: number,
    signal?: AbortSignal,
    onBytes?: (count: number) => void,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * The file's length and a tag that is another one when the content is another one (a hash, a commit, an ETag); null
   * where the source cannot know, or has no such file.
   */
  version?(path: string, signal?: AbortSignal): Promise<FileVersion | null>;
  /** Where the bytes of a file come from at this moment; "disk" for a source that does not say. */
  origin?(path: string): ByteOrigin;
}

export interface FileVersion {
  readonly size: number;
  readonly tag: string;
}

export type ByteOrigin = "network" | "cache" | "disk";

/** Configuration and tokenizer files stay far below this; a larger one is a mistake, not a text. */
const MAX_TEXT_BYTES = 256 * 1024 * 1024;

/** A whole UTF-8 text file. */
export async function readText(source: ByteSource, path: string, signal?: AbortSignal): Promise<string> {
  const size = await source.size(path, signal);
  if (size > MAX_TEXT_BYTES) {
    throw new BasinError({
      what: `The text file is ${size} bytes long, more than the ${MAX_TEXT_BYTES} that a text file here may have`,
      where: `${source.name}: ${path}`,
      fix: "Check that the right file stands under this name.",
    });
  }
  // Decoded piece by piece: a tokenizer.json can have tens of megabytes.
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < size; start += MAX_CHUNK_BYTES)
      yield await source.read(path, start, Math.min(size, start + MAX_CHUNK_BYTES), signal);
  }
  return decodeUtf8(pieces(), {
    where: `${source.name}: ${path}`,
    fix: "Fetch the file again; it may be compressed, cut off, or another file.",
  });
}

/** The text of a file, or null where the source has no such file. */
export async function readOptionalText(source: ByteSource, path: string, signal?: AbortSignal): Promise<string | null> {
  return (await source.has(path, signal)) ? readText(source, path, signal) : null;
}

/** A JSON file, parsed. */
export async function readJson(source: ByteSource, path: string, signal?: AbortSignal): Promise<unknown> {
  const text = await readText(source, path, signal);
  return parseJson(text, { where: `${source.name}: ${path}`, fix: "Fetch the file again or correct it by hand." });
}

/** The error of every source for a file that is not there. */
export function missingFile(source: { readonly name: string }, path: string): BasinError {
  return new BasinError({
    what: `There is no file ${path}`,
    where: source.name,
    fix: "Check the folder or the address; a model needs config.json, its safetensors files and its tokenizer files.",
  });
}

/** The error of every source for a file that ends before the bytes that were asked for. */
export function shortRead(
  source: { readonly name: string },
  path: string,
  start: number,
  end: number,
  got: number,
): BasinError {
  return new BasinError({
    what: `The file ended early: bytes ${start} to ${end} were asked for, ${got} of ${end - start} came`,
    where: `${source.name}: ${path}`,
    fix: "The file is cut off or changed while it was read. Fetch it again.",
  });
}

/** The error of a source for a file that is there and cannot be read. */
export function unreadableFile(
  source: { readonly name: string },
  path: string,
  { fix, cause }: { readonly fix: string; readonly cause: unknown },
): BasinError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new BasinError({ what: `The file ${path} cannot be read: ${message}`, where: source.name, fix, cause });
}

/**
 * Whether the range [start, end) of a file of `size` bytes (null: there is no such file) has any bytes to read.
 * @throws BasinError when the file is missing or ends before `end`
 */
export function checkRange(
  source: { readonly name: string },
  path: string,
  size: number | null,
  range: { readonly start: number; readonly end: number },
): boolean {
  const { start, end } = range;
  if (size === null) throw missingFile(source, path);
  if (end > size) throw shortRead(source, path, start, end, Math.max(0, size - start));
  return end > start;
}

/** A source over bytes already in memory. */
export function memorySource(name: string, files: Readonly<Record<string, Uint8Array>>): ByteSource {
  const find = (path: string): Uint8Array => {
    const bytes = Object.hasOwn(files, path) ? files[path] : undefined;
    if (bytes === undefined) throw missingFile({ name }, path);
    return bytes;
  };
  return {
    name,
    async has(path) {
      return Object.hasOwn(files, path);
    },
    async size(path) {
      return find(path).byteLength;
    },
    async read(path, start, end, signal) {
      signal?.throwIfAborted();
      const bytes = find(path);
      if (end > bytes.byteLength) throw shortRead({ name }, path, start, end, Math.max(0, bytes.byteLength - start));
      return new Uint8Array(bytes.subarray(start, end));
    },
  };
}
