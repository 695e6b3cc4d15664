/**
 * @file Git LFS pointers: what a repository cloned without Git LFS has in place of its large files, a text of three
 * lines (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
 */
import { BasinError } from "./error.ts";

const BEGIN = "version https://git-lfs.github.com/spec/";

/** @throws BasinError when `start`, the first bytes of a file, are those of a pointer; eight of them are enough */
export function refuseLfsPointer(start: Uint8Array | string, where: string): void {
  const text = typeof start === "string" ? start : new TextDecoder().decode(start.subarray(0, BEGIN.length));
  const length = Math.min(text.length, BEGIN.length);
  if (length < 8 || text.slice(0, length) !== BEGIN.slice(0, length)) return;
  throw new BasinError({
    what: "The file is a Git LFS pointer: the repository was cloned without its large files",
    where,
    fix: "Run git lfs install and git lfs pull in its folder, or fetch the file from where the repository came from.",
  });
}
