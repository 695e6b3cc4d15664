/** @file The two files of a PEFT adapter out of any source: a folder, the hub, a web server. */
import { BasinError } from "../base/error.ts";
import type { AdapterFiles } from "./adapterFile.ts";
import { MAX_CHUNK_BYTES, type ByteSource } from "./byteSource.ts";

/** An adapter is held in memory whole; the largest that people make (rank 256 on all of an 8B model) stay below. */
const MOST_BYTES = 8 * 2 ** 30;

/** @throws BasinError when a file is missing or cannot be read, and for an adapter stored as a pickle */
export async function readAdapterFiles(source: ByteSource, signal?: AbortSignal): Promise<AdapterFiles> {
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    if (await source.has(name, signal)) continue;
    if (await source.has("adapter_model.bin", signal)) {
      throw new BasinError({
        what: "The adapter is stored as adapter_model.bin, which Basin does not read (it can run code)",
        where: source.name,
        fix: "Save it again with save_pretrained(safe_serialization=True).",
      });
    }
    throw new BasinError({
      what: `There is no ${name}`,
      where: source.name,
      fix:
        "Give a PEFT adapter: a folder, owner/name of the hub or an address that holds adapter_config.json and " +
        "adapter_model.safetensors.",
    });
  }
  return {
    "adapter_config.json": await whole(source, "adapter_config.json", signal),
    "adapter_model.safetensors": await whole(source, "adapter_model.safetensors", signal),
  };
}

async function whole(source: ByteSource, path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const size = await source.size(path, signal);
  if (size > MOST_BYTES)
    throw new BasinError({
      what: `The file has ${size} bytes, more than an adapter may have here`,
      where: `${source.name}: ${path}`,
      fix: "Check that the right file stands under this name.",
    });
  const bytes = new Uint8Array(size);
  for (let start = 0; start < size; start += MAX_CHUNK_BYTES) {
    bytes.set(await source.read(path, start, Math.min(size, start + MAX_CHUNK_BYTES), signal), start);
  }
  return bytes;
}
