/**
 * @file Tokenizers for the text tests: the two fixtures (see python/make_tokenizer_fixture.py) and ones with another
 * template.
 */
import { existsSync, readFileSync } from "node:fs";
import { BasinError } from "../../src/base/error.ts";
import type { ChatMessage } from "../../src/text/example.ts";
import { loadTokenizer, type TextTokenizer } from "../../src/text/tokenizer.ts";

export interface Golden {
  readonly vocab_size: number;
  readonly texts: readonly {
    text: string;
    ids: number[];
    with_special: number[];
    decoded: string;
    decoded_all: string;
  }[];
  readonly chats: readonly {
    messages: ChatMessage[];
    text: string;
    ids: number[];
    assistant: number[];
    prompt_ids: number[];
  }[];
}

const folder = (name: string): URL => new URL(`../fixtures/tokenizers/${name}/`, import.meta.url);

export function golden(name: string): Golden {
  return JSON.parse(readFileSync(new URL("golden.json", folder(name)), "utf8")) as Golden;
}

/** The fixture's tokenizer, with some of its files replaced (null removes one). */
export function load(name: string, changes: Readonly<Record<string, string | null>> = {}): Promise<TextTokenizer> {
  return loadTokenizer(async (path) => {
    const changed = changes[path];
    if (changed !== undefined) return changed;
    const file = new URL(path, folder(name));
    return existsSync(file) ? readFileSync(file, "utf8") : null;
  }, name);
}

export function failure(work: () => unknown): BasinError {
  try {
    work();
  } catch (error) {
    if (error instanceof BasinError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
