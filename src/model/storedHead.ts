/**
 * @file Whether a checkpoint's output head is its embedding. `tie_word_embeddings` says so of many, and some of these
 * store a head of their own all the same: where it differs from the embedding, transformers uses the stored one.
 */
import { noSuchTensor, type TensorReader } from "../weights/tensorReader.ts";
import type { DecoderConfig } from "./config.ts";
import { EMBEDDING, HEAD } from "./layout.ts";

/**
 * The configuration with its head as it is stored. A stored copy of the embedding stays tied: it would take its bytes
 * twice.
 * @throws BasinError for a stored head that cannot be read
 */
export async function withStoredHead(
  config: DecoderConfig,
  reader: TensorReader,
  signal?: AbortSignal,
): Promise<DecoderConfig> {
  if (!config.tiedEmbeddings) return config;
  if (reader.unreadable?.get(HEAD)?.kind === "dtype") throw noSuchTensor(reader, HEAD, "tie_word_embeddings");
  const [head, embedding] = [reader.tensors.get(HEAD), reader.tensors.get(EMBEDDING)];
  if (head === undefined || embedding === undefined) return config;
  const comparable = head.dtype === embedding.dtype && head.byteLength === embedding.byteLength;
  // To compare is to read both; where nothing is cached that would be two downloads more.
  const copy = comparable && reader.uncached !== true && (await sameBytes(reader, signal));
  return copy ? config : { ...config, tiedEmbeddings: false };
}

async function sameBytes(reader: TensorReader, signal: AbortSignal | undefined): Promise<boolean> {
  const embedding = reader.read(EMBEDDING, signal)[Symbol.asyncIterator]();
  try {
    for await (const chunk of reader.read(HEAD, signal)) {
      // Both are cut into chunks alike: they have the same length.
      const other = await embedding.next();
      if (other.done === true || !equal(chunk, other.value)) return false;
    }
    return true;
  } finally {
    await embedding.return?.();
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((value, at) => value === b[at]);
}
