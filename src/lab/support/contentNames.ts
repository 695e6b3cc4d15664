/**
 * @file Names of chosen files and folders. One name means one content for as long as the page is open: another file of
 * the same name gets a name of its own, so that neither takes the place of the other in the settings.
 *
 *     train/data.jsonl ▸ "data.jsonl"      test/data.jsonl ▸ "data (3f2a91c0).jsonl"      either again ▸ its name
 */
import { randomId } from "../../base/randomId.ts";
import { sha256 } from "../../base/sha256.ts";
import type { SourceDescriptor } from "../../weights/descriptor.browser.ts";

/** Read at once, which bounds the memory that a digest takes. */
const CHUNK_BYTES = 2 ** 22;
/** Read at either end of each file of a folder, which may hold gigabytes of weights. */
const END_BYTES = 2 ** 16;
const SUFFIX_CHARACTERS = 8;

export class ContentNames {
  /** Digests by name; null for a content that cannot be read any more, and so equals no other. */
  readonly #digests = new Map<string, Promise<string | null>>();

  /** @returns `wanted` unless it names another content already */
  async nameFor(wanted: string, digest: Promise<string>): Promise<string> {
    const known = this.#digests.get(wanted);
    if (known === undefined) {
      this.replace(wanted, digest);
      return wanted;
    }
    const [before, now] = await Promise.all([known, digest.catch(() => null)]);
    if (before === now && now !== null) return wanted;
    const name = withSuffix(wanted, (now ?? randomId()).slice(0, SUFFIX_CHARACTERS));
    this.#digests.set(name, Promise.resolve(now));
    return name;
  }

  /** From now on the name means this content, whatever it meant before. */
  replace(name: string, digest: Promise<string>): void {
    this.#digests.set(
      name,
      digest.catch(() => null),
    );
  }
}

/** Of every byte. */
export async function fileDigest(file: Blob): Promise<string> {
  const parts: string[] = [];
  for (let at = 0; at < file.size; at += CHUNK_BYTES) parts.push(await partDigest(file, at, at + CHUNK_BYTES));
  return textDigest(parts.join());
}

/** Of the names and sizes of a folder's files, and of their beginnings and ends. */
export async function folderDigest(source: SourceDescriptor): Promise<string> {
  switch (source.kind) {
    case "url":
    case "hub":
      return textDigest(JSON.stringify(source));
    case "files":
      return filesDigest([...source.files]);
    case "directory": {
      const files: [string, File][] = [];
      for await (const child of source.handle.values())
        if (child instanceof FileSystemFileHandle) files.push([child.name, await child.getFile()]);
      return filesDigest(files);
    }
  }
}

async function filesDigest(files: readonly (readonly [string, File])[]): Promise<string> {
  const parts: unknown[] = [];
  for (const [path, file] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const ends = [await partDigest(file, 0, END_BYTES), await partDigest(file, file.size - END_BYTES, file.size)];
    parts.push([path, file.size, ...ends]);
  }
  return textDigest(JSON.stringify(parts));
}

async function partDigest(file: Blob, from: number, to: number): Promise<string> {
  return sha256(new Uint8Array(await file.slice(Math.max(0, from), to).arrayBuffer()));
}

function textDigest(text: string): Promise<string> {
  return sha256(new TextEncoder().encode(text));
}

/** Before the ending, which says how a file is read. */
function withSuffix(name: string, suffix: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? `${name.slice(0, dot)} (${suffix})${name.slice(dot)}` : `${name} (${suffix})`;
}
