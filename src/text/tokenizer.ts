/**
 * @file Text to token ids and back, with the model's own tokenizer.json (read by Hugging Face's JavaScript tokenizers)
 * and its chat template.
 *
 *     tokenizer.json, tokenizer_config.json, chat_template.jinja        -> ids, chat text
 *     generation_config.json, config.json                               -> where generation ends (eos ids)
 */
import { isRecord } from "../base/records.ts";
import { buildTokenizer } from "./buildTokenizer.ts";
import type { Tokenizer } from "@huggingface/tokenizers";
import { BasinError } from "../base/error.ts";
import { parseJson } from "../base/textFormats.ts";
import { alpacaFormat, alpacaPrompt, jinjaFormat, type ChatFormat, type RenderOptions } from "./chatTemplate.ts";
import { userTurn } from "./userTurn.ts";
import type { ChatMessage } from "./example.ts";
import { findTurnEnds, type TurnEnds } from "./turnEnds.ts";

/**
 * Reads a file of the model by name; null where there is none. (`readOptionalText` of a source, or `Checkpoint.text`.)
 */
export type ReadModelText = (path: string) => Promise<string | null>;

export interface DecodeOptions {
  /** Leave out end-of-text and other special tokens; true unless said otherwise. */
  readonly skipSpecialTokens?: boolean;
}

/**
 * Loads the tokenizer of the model whose files `readText` reads; `where` names the model in errors.
 * @throws BasinError when a file is missing, is not JSON, or describes a tokenizer that the library does not know
 */
export async function loadTokenizer(readText: ReadModelText, where = "model"): Promise<TextTokenizer> {
  const json = async (path: string): Promise<unknown> => {
    const text = await readText(path);
    return text === null ? null : parseJson(text, { where: `${where}: ${path}`, fix: "Fetch the file again." });
  };
  const tokenizer = await json("tokenizer.json");
  if (!isRecord(tokenizer)) {
    throw new BasinError({
      what: "There is no tokenizer.json",
      where,
      fix:
        "Basin needs the fast tokenizer's file. In Python: " +
        "AutoTokenizer.from_pretrained(model).save_pretrained(folder).",
    });
  }
  const settings = await json("tokenizer_config.json");
  return new TextTokenizer({
    tokenizer,
    settings: isRecord(settings) ? settings : {},
    template: await readText("chat_template.jinja"),
    generation: await json("generation_config.json"),
    model: await json("config.json"),
    where,
  });
}

/** An added token: characters [start, end) of the text, and its place among the ids. */
export interface AddedToken {
  readonly start: number;
  readonly end: number;
  readonly token: number;
}

/** The parsed files of a tokenizer. */
export interface TokenizerParts {
  readonly tokenizer: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, unknown>>;
  /** chat_template.jinja; it takes precedence over the one in tokenizer_config.json, as in transformers. */
  readonly template: string | null;
  readonly generation: unknown;
  readonly model: unknown;
  readonly where: string;
}

/** The model's chat template with its special tokens, or the Alpaca prompt. @throws BasinError as `jinjaFormat` */
function chatFormatOf({
  settings,
  template,
  where,
}: Pick<TokenizerParts, "settings" | "template" | "where">): ChatFormat {
  const chosen = template ?? templateOf(settings.chat_template);
  return chosen === null
    ? alpacaFormat(tokenText(settings.eos_token) ?? "")
    : jinjaFormat(chosen, specialTokens(settings), `${where}: chat template`);
}

/** The chat format of the model whose files `readText` reads, which needs no tokenizer.json. */
export async function loadChatFormat(readText: ReadModelText, where = "model"): Promise<ChatFormat> {
  const text = await readText("tokenizer_config.json");
  const advice = { where: `${where}: tokenizer_config.json`, fix: "Fetch the file again." };
  const settings = text === null ? null : parseJson(text, advice);
  const template = await readText("chat_template.jinja");
  return chatFormatOf({ settings: isRecord(settings) ? settings : {}, template, where });
}

export class TextTokenizer {
  /** Ids run from 0 to this, exclusive (the highest id plus one). The model's embedding may have more rows. */
  readonly vocabSize: number;
  /**
   * Ids that end a generation: of generation_config.json, else config.json; always the tokenizer's own, and those with
   * which the chat template ends the assistant's turns.
   */
  readonly eosIds: readonly number[];
  /** Those of `eosIds` that only the chat template names. */
  readonly addedStops: readonly number[];
  /** How the chat template ends the assistant's turns; null for the Alpaca prompt, and where that cannot be told. */
  readonly turnEnds: TurnEnds | null;
  readonly eosToken: string;
  readonly chatFormat: ChatFormat;
  readonly where: string;
  readonly #tokenizer: Tokenizer;
  readonly #special: ReadonlySet<number>;
  readonly #cleanUp: boolean;
  /** Matches the texts of added tokens, which the tokenizer cuts out before anything else. */
  readonly #added: RegExp | null;
  readonly #addedIds: ReadonlySet<number>;
  /** What the post-processor puts in front of a text (usually nothing or BOS). */
  readonly #leading: readonly number[];

  constructor({ tokenizer, settings, template, generation, model, where }: TokenizerParts) {
    this.where = where;
    this.#tokenizer = buildTokenizer(tokenizer, settings, `${where}: tokenizer.json`);
    this.#leading = leadingIds(this.#tokenizer, `${where}: tokenizer.json`);
    const added = [...this.#tokenizer.get_added_tokens_decoder().values()];
    this.#special = new Set(added.filter(({ special }) => special).map(({ id }) => id));
    this.#addedIds = new Set(added.map(({ id }) => id));
    const texts = added
      .map(({ content }) => content)
      .filter((content) => content !== "")
      .sort((a, b) => b.length - a.length);
    this.#added =
      texts.length === 0
        ? null
        : new RegExp(texts.map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "g");
    let vocabSize = 0;
    for (const id of this.#tokenizer.get_vocab().values()) vocabSize = Math.max(vocabSize, id + 1);
    this.vocabSize = vocabSize;
    // transformers 5 cleans up only where the file says so; the library would do it unless told otherwise.
    this.#cleanUp = settings.clean_up_tokenization_spaces === true;
    this.eosToken = tokenText(settings.eos_token) ?? "";
    const own = this.eosToken === "" ? undefined : this.#tokenizer.token_to_id(this.eosToken);
    const declared = eosOf(generation) ?? eosOf(model) ?? [];
    const stated = [...new Set([...declared, ...(own === undefined ? [] : [own])])];
    this.chatFormat = chatFormatOf({ settings, template, where });
    const idOf = (token: string): number | undefined => this.#tokenizer.token_to_id(token);
    this.turnEnds =
      this.chatFormat.kind === "alpaca"
        ? null
        : findTurnEnds(this.chatFormat, this.#added, (token) => stated.includes(idOf(token) ?? -1));
    const ends = (this.turnEnds?.tokens ?? []).flatMap((token) => idOf(token) ?? []);
    this.addedStops = ends.filter((id) => !stated.includes(id));
    this.eosIds = [...stated, ...this.addedStops];
  }

  /** The token with which an answer ends: the chat template's, else the tokenizer's own; null where there is none. */
  get endOfTurn(): number | null {
    const token = this.turnEnds?.tokens[0] ?? this.eosToken;
    return this.#tokenizer.token_to_id(token) ?? null;
  }

  /** Ids of a plain text. With `addSpecialTokens` the leading BOS is added, if the tokenizer has one. */
  encode(text: string, { addSpecialTokens = false }: { readonly addSpecialTokens?: boolean } = {}): number[] {
    const ids = text === "" ? [] : this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
    if (ids.some((id) => id === undefined || id === null)) {
      throw new BasinError({
        what:
          "The text has characters that the tokenizer cannot express, and no unknown token stands for them: " +
          `${JSON.stringify(text.slice(0, 60))}`,
        where: this.where,
        fix: "Remove those characters from the text.",
      });
    }
    return addSpecialTokens ? [...this.#leading, ...ids] : ids;
  }

  decode(ids: readonly number[], { skipSpecialTokens = true }: DecodeOptions = {}): string {
    if (ids.length === 0) return "";
    return this.#tokenizer.decode([...ids], {
      skip_special_tokens: skipSpecialTokens,
      clean_up_tokenization_spaces: this.#cleanUp,
    });
  }

  /** End-of-text, turn markers and the like. */
  isSpecial(id: number): boolean {
    return this.#special.has(id) || this.eosIds.includes(id);
  }

  /**
   * Added tokens in a text and in its ids, pair by pair: fixed points by which the two are aligned. null when their
   * numbers differ (a tokenizer that treats some of them in another way).
   */
  addedTokens(text: string, ids: readonly number[]): readonly AddedToken[] | null {
    const places = this.#added === null ? [] : [...text.matchAll(this.#added)];
    const at = ids.flatMap((id, t) => (this.#addedIds.has(id) ? [t] : []));
    // Those in front that the text does not have: the BOS of the Alpaca prompt.
    const extra = at.length - places.length;
    if (extra < 0 || extra > this.#leading.length) return null;
    return places.map(({ index, 0: match }, i) => ({
      start: index,
      end: index + match.length,
      token: at[i + extra] ?? 0,
    }));
  }

  /** Text of a conversation, by the model's template or Alpaca's. */
  renderChat(messages: readonly ChatMessage[], options?: RenderOptions): string {
    return this.chatFormat.render(messages, options);
  }

  /** Ids of a conversation; see `encodeRendered`. */
  encodeChat(messages: readonly ChatMessage[], options?: RenderOptions): number[] {
    return this.encodeRendered(this.renderChat(messages, options));
  }

  /** The prompt of an instruction, up to where the answer begins. */
  renderInstruction(instruction: string, input?: string): string {
    return this.chatFormat.kind === "alpaca"
      ? alpacaPrompt(instruction, input)
      : this.renderChat([{ role: "user", content: userTurn(instruction, input) }], { addGenerationPrompt: true });
  }

  /**
   * Ids of a text that `renderChat` or `renderInstruction` gave. A template writes BOS itself, as text; the Alpaca
   * prompt does not, so there the tokenizer adds it. (transformers: apply_chat_template tokenises without special
   * tokens.)
   */
  encodeRendered(text: string): number[] {
    return this.encode(text, { addSpecialTokens: this.chatFormat.kind === "alpaca" });
  }

  /**
   * The text that each token adds, such that the pieces joined give the decoded text. Where several tokens make one
   * character, the last of them carries it and the others are empty.
   */
  pieces(ids: readonly number[]): string[] {
    const pieces: string[] = [];
    let from = 0; // decoded from here: far enough back that the tokenizer's rules at the start do not matter
    let shown = "";
    for (let i = 0; i < ids.length; i += 1) {
      const text = this.decode(ids.slice(from, i + 1), { skipSpecialTokens: false });
      if (text.endsWith("\ufffd") && i + 1 < ids.length) {
        pieces.push("");
        continue;
      }
      pieces.push(text.slice(shown.length));
      if (i - from >= 16) {
        from = i;
        shown = this.decode(ids.slice(from, i + 1), { skipSpecialTokens: false });
      } else {
        shown = text;
      }
    }
    return pieces;
  }
}

/**
 * Ids that the post-processor puts in front; those that it puts behind (some add EOS) are not wanted anywhere here.
 * @throws BasinError where what it puts in front has no id
 */
function leadingIds(tokenizer: Tokenizer, where: string): number[] {
  const bare = tokenizer.encode("a", { add_special_tokens: false }).ids;
  const full = tokenizer.encode("a", { add_special_tokens: true }).ids;
  for (let at = 0; at + bare.length <= full.length; at += 1) {
    if (!bare.every((id, i) => full[at + i] === id)) continue;
    const leading = full.slice(0, at);
    if (leading.every((id) => Number.isSafeInteger(id))) return leading;
    throw new BasinError({
      what: "The post_processor puts a token before every text that has no id",
      where,
      fix: "Fetch the file again, or give special_tokens of post_processor their ids.",
    });
  }
  return [];
}

/** A token in tokenizer_config.json is a string, or an object with `content`. */
function tokenText(value: unknown): string | null {
  if (typeof value === "string") return value;
  return isRecord(value) && typeof value.content === "string" ? value.content : null;
}

function specialTokens(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of ["bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token"]) {
    const text = tokenText(settings[name]);
    if (text !== null) out[name] = text;
  }
  return out;
}

/** tokenizer_config.json has one template, or a list of named ones of which "default" is the chat. */
function templateOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return null;
  const named = value.filter(isRecord);
  const chosen = named.find(({ name }) => name === "default") ?? named[0];
  return typeof chosen?.template === "string" ? chosen.template : null;
}

function eosOf(config: unknown): number[] | null {
  const value = isRecord(config) ? config.eos_token_id : undefined;
  if (typeof value === "number") return [value];
  return Array.isArray(value) ? value.filter((id): id is number => typeof id === "number") : null;
}
