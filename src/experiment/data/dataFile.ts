/** @file One file of a byte source as a dataset file. */
import type { DataFile } from "../../text/data/table.ts";
import type { ByteSource } from "../../weights/byteSource.ts";
import { urlSource } from "../../weights/urlSource.ts";

/**
 * @param name what errors call it; the path unless given
 * @throws BasinError when the source has no such file
 */
export async function dataFile(
  source: ByteSource,
  path: string,
  signal?: AbortSignal,
  name: string = path,
): Promise<DataFile> {
  const size = await source.size(path, signal);
  return { name, size, read: (start, end, inner) => source.read(path, start, end, inner ?? signal) };
}

/** A file at an address of the web. @throws BasinError when it cannot be had */
export function addressFile(address: string, signal?: AbortSignal): Promise<DataFile> {
  const [base = "", query] = address.split("?", 2);
  const slash = base.lastIndexOf("/");
  const source = urlSource(`${base.slice(0, slash + 1)}${query === undefined ? "" : `?${query}`}`);
  return dataFile(source, decodeURIComponent(base.slice(slash + 1)), signal, base);
}
