/** @file Prompts and their answers by the unaligned, the aligned and the tuned model. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/events.ts";
import type { ChatVerdict, LabEvent } from "../worker/protocol.ts";

export const SUBJECTS = ["unaligned", "aligned", "tuned"] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export type AnswerState =
  | { readonly kind: "waiting"; readonly text: string }
  | { readonly kind: "streaming"; readonly text: string; readonly tokens: number }
  | { readonly kind: "done"; readonly text: string; readonly tokens: number; readonly ms: number; readonly ended: "eos" | "length" | "stopped"; readonly verdict: ChatVerdict | null }
  | { readonly kind: "failed"; readonly text: string; readonly failure: RunFailure };

export interface Exchange {
  readonly id: string;
  readonly prompt: string;
  /** Who tuned the tuned model; null when only the pair was asked. */
  readonly tunedRun: string | null;
  readonly answers: Partial<Readonly<Record<SubjectName, AnswerState>>>;
}

export type ChatEvent = Extract<LabEvent, { type: "chat_token" | "chat_done" | "chat_failed" }>;

export interface ChatState {
  readonly prompt: string;
  /** Newest first. */
  readonly exchanges: readonly Exchange[];
  readonly setPrompt: (prompt: string) => void;
  readonly open: (exchange: Pick<Exchange, "id" | "prompt" | "tunedRun">, subjects: readonly SubjectName[]) => void;
  readonly take: (events: readonly ChatEvent[]) => void;
  readonly clear: () => void;
}

export type ChatStore = StoreApi<ChatState>;

/** One answer's id on the wire. */
export function chatId(exchange: string, subject: SubjectName): string {
  return `${exchange}/${subject}`;
}

export function createChatStore(): ChatStore {
  return createStore<ChatState>()((set, get) => ({
    prompt: "",
    exchanges: [],
    setPrompt: (prompt) => set({ prompt }),
    open: (exchange, subjects) => {
      const answers = Object.fromEntries(subjects.map((subject): [SubjectName, AnswerState] => [subject, { kind: "waiting", text: "" }]));
      set({ exchanges: [{ ...exchange, answers }, ...get().exchanges] });
    },
    take: (events) => set({ exchanges: events.reduce(withEvent, get().exchanges) }),
    clear: () => set({ exchanges: get().exchanges.filter(isAnswering) }),
  }));
}

/** Whether an answer of this exchange is still to come. */
export function isAnswering({ answers }: Exchange): boolean {
  return Object.values(answers).some(({ kind }) => kind === "waiting" || kind === "streaming");
}

function withEvent(exchanges: readonly Exchange[], event: ChatEvent): readonly Exchange[] {
  return exchanges.map((exchange) => {
    const subject = SUBJECTS.find((name) => chatId(exchange.id, name) === event.chatId);
    const before = subject === undefined ? undefined : exchange.answers[subject];
    if (subject === undefined || before === undefined || before.kind === "done" || before.kind === "failed") return exchange;
    return { ...exchange, answers: { ...exchange.answers, [subject]: answerAfter(before, event) } };
  });
}

function answerAfter(before: AnswerState, event: ChatEvent): AnswerState {
  switch (event.type) {
    case "chat_token":
      return { kind: "streaming", text: event.text, tokens: event.tokens };
    case "chat_done":
      return { kind: "done", text: event.text, tokens: event.tokens, ms: event.ms, ended: event.ended, verdict: event.verdict };
    case "chat_failed":
      return { kind: "failed", text: before.text, failure: event.failure };
  }
}
