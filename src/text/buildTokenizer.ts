/**
 * @file A Hugging Face tokenizer from its two files, checked: the library builds many damaged files without complaint
 * and fails, or gives no ids, at the first text.
 */
import { Tokenizer } from "@huggingface/tokenizers";
import { BasinError } from "../base/error.ts";
import { describeValue } from "../base/describe.ts";
import { isRecord } from "../base/records.ts";

/** A text with letters, digits, white space and a character outside of ASCII. */
const PROBE = "A probe, 12 é\n";

/**
 * @param json tokenizer.json
 * @param settings tokenizer_config.json
 * @param where the file, for errors
 * @throws BasinError for a file that is damaged, or that the library does not know
 */
export function buildTokenizer(json: object, settings: object, where: string): Tokenizer {
  try {
    checkIds(json, settings);
    const tokenizer = new Tokenizer(json, settings);
    keepByteOrderMarks(tokenizer);
    check(tokenizer);
    return tokenizer;
  } catch (cause) {
    throw new BasinError({
      what: `The tokenizer cannot be built: ${cause instanceof Error ? cause.message : String(cause)}`,
      where,
      fix:
        "The file is damaged, or describes a tokenizer that @huggingface/tokenizers does not know. " +
        "Pre-tokenised rows still work.",
      cause,
    });
  }
}

/**
 * The library's byte fallback decodes with a TextDecoder that drops a leading U+FEFF, which is a character of the text
 * like any other. A test says when it no longer does.
 */
function keepByteOrderMarks(part: unknown): void {
  if (typeof part !== "object" && typeof part !== "function") return;
  const { decoder, decoders, text_decoder } = (part ?? {}) as Readonly<Record<string, unknown>>;
  if (text_decoder instanceof TextDecoder && !text_decoder.ignoreBOM)
    Object.assign(part ?? {}, { text_decoder: new TextDecoder("utf-8", { ignoreBOM: true }) });
  for (const inner of [decoder, ...(Array.isArray(decoders) ? (decoders as readonly unknown[]) : [])])
    if (inner !== undefined && inner !== null) keepByteOrderMarks(inner);
}

/** Beyond any vocabulary; the library makes lists as long as the largest id. */
const MAX_ID = 2 ** 22;

function checkIds(json: object, settings: object): void {
  const { added_tokens, model } = json as Readonly<Record<string, unknown>>;
  const { added_tokens_decoder } = settings as Readonly<Record<string, unknown>>;
  const ids = [
    ...(Array.isArray(added_tokens) ? added_tokens.filter(isRecord).map(({ id }) => id) : []),
    ...(isRecord(model) && isRecord(model.vocab) ? Object.values(model.vocab) : []),
    ...(isRecord(added_tokens_decoder) ? Object.keys(added_tokens_decoder).map(Number) : []),
  ];
  const at = ids.findIndex((id) => !isId(id) || id >= MAX_ID);
  if (at >= 0) throw new TypeError(`a token has the id ${describeValue(ids[at])}`);
}

function check(tokenizer: Tokenizer): void {
  for (const [text, id] of tokenizer.get_vocab()) {
    if (!isId(id)) throw new TypeError(`the id of ${describeValue(text)} is ${describeValue(id)}`);
  }
  for (const { id, content } of tokenizer.get_added_tokens_decoder().values()) {
    if (typeof content !== "string" || !isId(id))
      throw new TypeError(`an added token is ${describeValue({ id, content })}`);
  }
  const options = { return_token_type_ids: true };
  for (const { ids, token_type_ids } of [
    tokenizer.encode(PROBE, { ...options, add_special_tokens: false }),
    tokenizer.encode(PROBE, { ...options, add_special_tokens: true }),
    tokenizer.encode(PROBE, { ...options, add_special_tokens: true, text_pair: PROBE }),
  ]) {
    const wrong = ids.find((id) => !isId(id));
    if (wrong !== undefined) throw new TypeError(`a text gets the token id ${describeValue(wrong)}`);
    // Without a post-processor there are none, whatever the library declares.
    const type = ((token_type_ids as number[] | undefined) ?? []).find((id) => !isId(id));
    if (type !== undefined) throw new TypeError(`a token gets the type ${describeValue(type)}`);
  }
}

function isId(id: unknown): id is number {
  return typeof id === "number" && Number.isSafeInteger(id) && id >= 0;
}
