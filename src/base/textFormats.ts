/** @file Bytes as text and text as JSON, with errors that say where the mistake is and what to do. */
import { BasinError } from "./error.ts";
import { jsonSpot } from "./jsonSpot.ts";
import { refuseLfsPointer } from "./lfs.ts";

/** What an error about a file adds to what is wrong with it. */
export interface FileAdvice {
  readonly where: string;
  readonly fix: string;
}

/**
 * UTF-8 text that arrives in pieces, which may end inside a character.
 * @throws BasinError when it is not UTF-8, or a Git LFS pointer; an error of `pieces` passes unchanged
 */
export async function decodeUtf8(pieces: AsyncIterable<Uint8Array>, advice: FileAdvice): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      throw new BasinError({ what: "The file is not UTF-8 text", ...advice, cause });
    }
  };
  let text = "";
  for await (const bytes of pieces) {
    if (text === "") refuseLfsPointer(bytes, advice.where);
    text += decode(bytes);
  }
  return text + decode();
}

/** @throws BasinError when `text` is not JSON, or a Git LFS pointer */
export function parseJson(text: string, advice: FileAdvice): unknown {
  refuseLfsPointer(text, advice.where);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const spot = jsonSpot(text);
    const message = cause instanceof Error ? cause.message : String(cause);
    const what = spot === null ? message : `${spot.what} (line ${spot.line} column ${spot.column}): ${spot.spot}`;
    throw new BasinError({ what: `The file is not valid JSON: ${what}`, ...advice, cause });
  }
}
