/** @file A fixture in safetensors format: every tensor's bytes, whatever its type. */

import { readFile } from "node:fs/promises";
import { headerLength, parseHeader } from "../../src/weights/safetensors.ts";

export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** A copy, so that it begins at an aligned address. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export async function readSafetensors(path: string): Promise<Map<string, StoredTensor>> {
  const file = new Uint8Array(await readFile(path));
  const length = headerLength(file.subarray(0, 8), file.byteLength, path);
  const { entries } = parseHeader(file.subarray(8, 8 + length), file.byteLength, path);
  return new Map(
    entries.map(({ name, dtype, shape, start, end }) => [
      name,
      { dtype, shape, bytes: new Uint8Array(file.subarray(start, end)) },
    ]),
  );
}
