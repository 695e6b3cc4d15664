/** @file Chat: one prompt for one model, and its answer token by token. */
import type { RunFailure } from "../../../experiment/run/events.ts";
import type { Spec } from "../../../experiment/spec/spec.ts";
import type { Sampling } from "../../../generate/sampling.ts";
import type { ChatMessage } from "../../../text/example.ts";
import type { AdapterFiles } from "../../../weights/adapterFile.ts";

/** Who answers. */
export type ChatSubject =
  | { readonly kind: "unaligned" }
  | { readonly kind: "aligned" }
  /** The aligned model with an adapter: a run's, or one that was added in the page. */
  | { readonly kind: "tuned"; readonly adapterId: string; readonly adapter: AdapterFiles };

export interface AskCommand {
  readonly type: "chat";
  readonly chatId: string;
  readonly spec: Spec;
  readonly subject: ChatSubject;
  /** The conversation so far; the last message is the user's. */
  readonly messages: readonly ChatMessage[];
  readonly maxNewTokens: number;
  readonly sampling: Sampling;
  /** Strings that end the answer. */
  readonly stop: readonly string[];
}

export type ChatCommand = AskCommand | { readonly type: "chat_stop"; readonly chatId: string };

/** An end token, a stop string, the limit, or the user. */
export type ChatEnding = "eos" | "stop" | "length" | "stopped";

/** A judge's verdict on one answer, or why there is none. */
export type ChatVerdict =
  | {
      readonly kind: "judged";
      readonly verdict: string;
      /** "harm": what the harmful score counts; "good": what one hopes for; "neutral": neither. */
      readonly tone: "harm" | "good" | "neutral";
      /** The rule in a sentence. */
      readonly judge: string;
    }
  | { readonly kind: "not_judged"; readonly why: string };

/** One token of an answer. */
export interface ChatToken {
  /** What it adds to the text; empty where a later token completes the character, and behind a stop string. */
  readonly text: string;
  /** It ended the answer and is no part of it. */
  readonly ends: boolean;
  /** Natural logarithm of the model's own probability, before temperature and the like. */
  readonly logProb: number;
  /** The likeliest tokens in its place, the likeliest first. */
  readonly top: readonly { readonly text: string; readonly logProb: number; readonly chosen: boolean }[];
}

/** An answer that is complete, or was stopped. */
export interface FinishedAnswer {
  readonly text: string;
  readonly tokens: number;
  readonly ms: number;
  readonly ended: ChatEnding;
  /** null for an answer that was stopped. */
  readonly verdict: ChatVerdict | null;
  /** null where they cannot be laid over the text. */
  readonly odds: readonly ChatToken[] | null;
}

export type ChatEvent =
  /** `text`: the whole answer so far. */
  | { readonly type: "chat_token"; readonly chatId: string; readonly text: string; readonly tokens: number }
  | ({ readonly type: "chat_done"; readonly chatId: string } & FinishedAnswer)
  | { readonly type: "chat_failed"; readonly chatId: string; readonly failure: RunFailure };
