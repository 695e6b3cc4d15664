/**
 * @file Answers to one prompt by the pair and by tuned models, one after another.
 *
 * Models stay on the device between questions, and leave it before a run starts. An adapter is applied beside the
 * aligned model's weights; these are loaded once, whichever adapters are tried on them.
 */
import type { Gpu } from "../../engine/device.ts";
import { quantisedType } from "../../experiment/run/quantization.ts";
import {
  loadWeights,
  openModelFiles,
  requireTokenizer,
  uploadAdapter,
  type ModelFiles,
} from "../../experiment/run/textModel.ts";
import { trainedModel } from "../../experiment/spec/trainedModel.ts";
import { modelOf } from "../../eval/evaluatedModel.ts";
import { generateText } from "../../generate/generateText.ts";
import { Generator } from "../../generate/generator.ts";
import type { TokenOdds } from "../../generate/tokenOdds.ts";
import type { LoadedModel } from "../../model/loadModel.ts";
import type { Spec } from "../../experiment/spec/spec.ts";
import type { TextTokenizer } from "../../text/tokenizer.ts";
import { decodeAdapter } from "../../weights/adapterFile.ts";
import { toFailure } from "../support/failure.ts";
import type { ReleasableEnvironment } from "./environmentScope.ts";
import type { AskCommand, ChatEvent, FinishedAnswer } from "./protocol/chat.ts";
import { ALTERNATIVES, answerTokens } from "./answerTokens.ts";
import { ChatJudges } from "./verdict.ts";

interface Speaker {
  readonly key: string;
  readonly model: LoadedModel;
  readonly generator: Generator;
  destroy(): void;
}

interface OnDevice {
  /** Its name and how it is quantised. */
  readonly key: string;
  readonly files: ModelFiles;
  readonly model: LoadedModel;
}

/** An answer as far as it has come. */
interface Draft {
  text: string;
  tokens: number;
  readonly odds: TokenOdds[];
  tokenizer: TextTokenizer | null;
}

export class Chats {
  readonly #environment: ReleasableEnvironment;
  readonly #emit: (event: ChatEvent) => void;
  readonly #stops = new Map<string, AbortController>();
  readonly #models = new Map<string, OnDevice>();
  readonly #speakers = new Map<string, Speaker>();
  readonly #judges: ChatJudges;
  #turn: Promise<void> = Promise.resolve();

  constructor(environment: ReleasableEnvironment, emit: (event: ChatEvent) => void) {
    this.#environment = environment;
    this.#judges = new ChatJudges(environment);
    this.#emit = emit;
  }

  /** Queues a question; comes back when it is answered, and never throws. */
  ask(gpu: () => Promise<Gpu>, command: AskCommand): Promise<void> {
    const stop = new AbortController();
    this.#stops.set(command.chatId, stop);
    this.#turn = this.#turn.then(async () => {
      try {
        await this.#answer(await gpu(), command, stop.signal);
      } catch (error) {
        this.#emit({ type: "chat_failed", chatId: command.chatId, failure: toFailure(error, "chat") });
      } finally {
        this.#stops.delete(command.chatId);
      }
    });
    return this.#turn;
  }

  stop(chatId: string): void {
    this.#stops.get(chatId)?.abort();
  }

  /** Stops all answers and takes every model off the device. */
  async clear(): Promise<void> {
    for (const stop of this.#stops.values()) stop.abort();
    await this.#turn;
    for (const speaker of this.#speakers.values()) speaker.destroy();
    this.#speakers.clear();
    for (const { model } of this.#models.values()) model.destroy();
    this.#models.clear();
    this.#judges.forget();
    this.#environment.release();
  }

  async #answer(gpu: Gpu, command: AskCommand, signal: AbortSignal): Promise<void> {
    const { chatId } = command;
    const started = this.#environment.now();
    const draft: Draft = { text: "", tokens: 0, odds: [], tokenizer: null };
    try {
      signal.throwIfAborted();
      const answer = await this.#generate(gpu, command, draft, signal);
      if (answer === null) return;
      const { endedAt, ...finished } = answer;
      this.#emit({ type: "chat_done", chatId, ms: endedAt - started, ...finished });
    } catch (error) {
      if (!signal.aborted) throw error;
      const { text, tokens } = draft;
      const ms = this.#environment.now() - started;
      const odds = oddsSoFar(draft);
      this.#emit({ type: "chat_done", chatId, text, tokens, ms, ended: "stopped", verdict: null, odds });
    }
  }

  /** Generates an answer and has it judged; `draft` follows it. null where nothing was generated. */
  async #generate(
    gpu: Gpu,
    { chatId, spec, subject, messages, maxNewTokens, sampling, stop }: AskCommand,
    draft: Draft,
    signal: AbortSignal,
  ): Promise<(Omit<FinishedAnswer, "ms"> & { readonly endedAt: number }) | null> {
    const { key, files, model } = await this.#model(gpu, modelName(spec, subject), spec.model, signal);
    const tokenizer = requireTokenizer(files);
    draft.tokenizer = tokenizer;
    const { generator } = await this.#speaker(gpu, key, model, subject);
    const ids = tokenizer.encodeChat(messages, { addGenerationPrompt: true });
    const [answer] = await generateText(generator, tokenizer, [ids], {
      maxNewTokens,
      endTokens: files.eosIds,
      sampling,
      stop,
      signal,
      onText: (_, text, tokens) => {
        Object.assign(draft, { text, tokens });
        this.#emit({ type: "chat_token", chatId, text, tokens });
      },
      odds: { most: ALTERNATIVES, take: (_, found) => draft.odds.push(found) },
    });
    if (answer === undefined) return null;
    const endedAt = this.#environment.now();
    const { text, tokens, ended } = answer;
    const judged = modelOf(generator, tokenizer, { endTokens: files.eosIds, signal });
    const verdict = await this.#judges.verdict({ spec, messages, answer: text, model: judged }, signal);
    const odds = answerTokens(tokenizer, tokens, draft.odds, text);
    return { text, tokens: tokens.length, ended, verdict, odds, endedAt };
  }

  /**
   * The model `name` of a pair, quantised as the run had it. Models of other pairs leave the device: two are enough to
   * hold.
   */
  async #model(gpu: Gpu, name: string, pair: AskCommand["spec"]["model"], signal: AbortSignal): Promise<OnDevice> {
    const quantization = quantisedType(pair);
    const keyOf = (model: string): string => `${model} ${quantization ?? "as stored"}`;
    const key = keyOf(name);
    const known = this.#models.get(key);
    if (known !== undefined) return known;
    const wanted = new Set([keyOf(pair.aligned), ...(pair.unaligned === null ? [] : [keyOf(pair.unaligned)])]);
    for (const [other, { model }] of [...this.#models]) if (!wanted.has(other)) this.#drop(other, model);
    const files = await openModelFiles(this.#environment, name, signal);
    const loaded = { key, files, model: await loadWeights(gpu, files, undefined, signal, quantization) };
    this.#models.set(key, loaded);
    return loaded;
  }

  #drop(key: string, model: LoadedModel): void {
    for (const [slot, speaker] of [...this.#speakers]) {
      if (speaker.model !== model) continue;
      speaker.destroy();
      this.#speakers.delete(slot);
    }
    model.destroy();
    this.#models.delete(key);
  }

  async #speaker(gpu: Gpu, modelKey: string, model: LoadedModel, subject: AskCommand["subject"]): Promise<Speaker> {
    const slot = subject.kind === "tuned" ? "tuned" : modelKey;
    const key = subject.kind === "tuned" ? `${modelKey} ${subject.adapterId}` : modelKey;
    const known = this.#speakers.get(slot);
    if (known?.key === key) return known;
    known?.destroy();
    this.#speakers.delete(slot);
    const adapter =
      subject.kind === "tuned"
        ? await uploadAdapter(gpu, model.config, decodeAdapter(subject.adapter, subject.adapterId))
        : undefined;
    const generator = new Generator(gpu, model, adapter);
    const speaker: Speaker = {
      key,
      model,
      generator,
      destroy: () => {
        generator.destroy();
        adapter?.parameters.destroy();
      },
    };
    this.#speakers.set(slot, speaker);
    return speaker;
  }
}

/** The model that answers, as the spec names it. */
function modelName(spec: Spec, { kind }: AskCommand["subject"]): string {
  const { aligned, unaligned } = spec.model;
  if (kind === "tuned") return trainedModel(spec);
  return kind === "unaligned" ? (unaligned ?? aligned) : aligned;
}

/** The tokens of an answer that was stopped; null where they cannot be laid over its text. */
function oddsSoFar({ tokenizer, odds, tokens, text }: Draft): FinishedAnswer["odds"] {
  if (tokenizer === null) return null;
  const ids = odds.slice(0, tokens).map(({ token }) => token);
  return answerTokens(tokenizer, ids, odds, text);
}
