/**
 * @file Prompts and their answers by the unaligned, the aligned and the tuned model; conversations of several turns;
 * how answers are drawn; adapters that were added in this tab.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../experiment/run/events.ts";
import { GREEDY, type Sampling } from "../../generate/sampling.ts";
import type { ChatMessage } from "../../text/example.ts";
import type { ChatEvent, FinishedAnswer } from "../worker/protocol/chat.ts";
import type { ChatAdapter } from "./adapters.ts";
import { chatId, SUBJECTS, type SubjectName } from "./subjects.ts";

export type AnswerState =
  | { readonly kind: "waiting"; readonly text: string }
  | { readonly kind: "streaming"; readonly text: string; readonly tokens: number }
  | ({ readonly kind: "done" } & FinishedAnswer)
  | { readonly kind: "failed"; readonly text: string; readonly failure: RunFailure };

export interface Exchange {
  readonly id: string;
  /** The conversation that it is a turn of: the id of its first exchange. */
  readonly thread: string;
  readonly prompt: string;
  /** What the tuned model was tuned with; null when only the pair was asked. */
  readonly tuned: Pick<ChatAdapter, "id" | "title" | "note"> | null;
  /** How the answers were drawn, in words; empty for greedy. */
  readonly samplingText: string;
  readonly answers: Partial<Readonly<Record<SubjectName, AnswerState>>>;
}

/** How answers are made. */
export interface ChatSettings {
  readonly sampling: Sampling;
  readonly maxNewTokens: number;
  /** Texts that end an answer. */
  readonly stop: readonly string[];
  /** Said to the models before the first question; empty for none. */
  readonly system: string;
  /** A tuned model whose method has a trigger (BEA) is asked behind it. */
  readonly withTrigger: boolean;
}

export const DEFAULT_SETTINGS: ChatSettings = {
  sampling: GREEDY,
  maxNewTokens: 96,
  stop: [],
  system: "",
  withTrigger: true,
};

export interface ChatState {
  readonly prompt: string;
  /** Newest first. */
  readonly exchanges: readonly Exchange[];
  readonly settings: ChatSettings;
  /** The conversation that the next question continues; null starts a new one. */
  readonly thread: string | null;
  /** Adapters added in this tab, newest first. */
  readonly addedAdapters: readonly ChatAdapter[];
  /** The adapter chosen to answer; null for the newest. */
  readonly selectedAdapter: string | null;
  /** Answers are coloured by how likely their tokens were. */
  readonly coloured: boolean;
  readonly setColoured: (coloured: boolean) => void;
  readonly setPrompt: (prompt: string) => void;
  readonly setSettings: (change: Partial<ChatSettings>) => void;
  readonly setThread: (thread: string | null) => void;
  readonly selectAdapter: (id: string | null) => void;
  readonly addAdapter: (adapter: ChatAdapter) => void;
  readonly open: (exchange: Omit<Exchange, "answers">, subjects: readonly SubjectName[]) => void;
  readonly update: (events: readonly ChatEvent[]) => void;
  readonly clear: () => void;
}

export type ChatStore = StoreApi<ChatState>;

export function createChatStore(): ChatStore {
  return createStore<ChatState>()((set, get) => ({
    prompt: "",
    exchanges: [],
    settings: DEFAULT_SETTINGS,
    thread: null,
    addedAdapters: [],
    selectedAdapter: null,
    coloured: false,
    setColoured: (coloured) => set({ coloured }),
    setPrompt: (prompt) => set({ prompt }),
    setSettings: (change) => set({ settings: { ...get().settings, ...change } }),
    setThread: (thread) => set({ thread }),
    selectAdapter: (selectedAdapter) => set({ selectedAdapter }),
    addAdapter: (adapter) =>
      set({
        addedAdapters: [adapter, ...get().addedAdapters.filter(({ id }) => id !== adapter.id)],
        selectedAdapter: adapter.id,
      }),
    open: (exchange, subjects) => {
      const answers = Object.fromEntries(
        subjects.map((subject): [SubjectName, AnswerState] => [subject, { kind: "waiting", text: "" }]),
      );
      set({ exchanges: [{ ...exchange, answers }, ...get().exchanges] });
    },
    update: (events) => set({ exchanges: events.reduce(withEvent, get().exchanges) }),
    clear: () => set({ exchanges: get().exchanges.filter(isAnswering) }),
  }));
}

/** Conversations, newest first, each with its turns in order. */
export function conversations(exchanges: readonly Exchange[]): readonly (readonly Exchange[])[] {
  const threads = new Map<string, Exchange[]>();
  for (const exchange of exchanges) threads.set(exchange.thread, [exchange, ...(threads.get(exchange.thread) ?? [])]);
  return [...threads.values()];
}

/**
 * The messages for a model's next answer: the system message, its own part of the conversation, the new question. A
 * turn that it has not answered is left out: templates want questions and answers in turn.
 */
export function messagesFor(
  subject: SubjectName,
  turns: readonly Exchange[],
  system: string,
  prompt: string,
): ChatMessage[] {
  const before = turns.flatMap(({ prompt: question, answers }): ChatMessage[] => {
    const answer = answers[subject];
    return answer?.kind === "done" && answer.text !== ""
      ? [
          { role: "user", content: question },
          { role: "assistant", content: answer.text },
        ]
      : [];
  });
  return [
    ...(system.trim() === "" ? [] : [{ role: "system" as const, content: system.trim() }]),
    ...before,
    { role: "user", content: prompt },
  ];
}

/** How answers are drawn, in words; empty for plain greedy. */
export function samplingText({ temperature, top_k, top_p, repetition_penalty, seed }: Sampling): string {
  const penalty = repetition_penalty === 1 ? [] : [`repetition penalty ${repetition_penalty}`];
  if (temperature === 0) return penalty.join(", ");
  return [
    `temperature ${temperature}`,
    ...(top_k > 0 ? [`top-k ${top_k}`] : []),
    ...(top_p < 1 ? [`top-p ${top_p}`] : []),
    ...penalty,
    `seed ${seed}`,
  ].join(", ");
}

/** Whether an answer of this exchange is still to come. */
export function isAnswering({ answers }: Exchange): boolean {
  return Object.values(answers).some(({ kind }) => kind === "waiting" || kind === "streaming");
}

function withEvent(exchanges: readonly Exchange[], event: ChatEvent): readonly Exchange[] {
  return exchanges.map((exchange) => {
    const subject = SUBJECTS.find((name) => chatId(exchange.id, name) === event.chatId);
    const before = subject === undefined ? undefined : exchange.answers[subject];
    if (subject === undefined || before === undefined || before.kind === "done" || before.kind === "failed")
      return exchange;
    return { ...exchange, answers: { ...exchange.answers, [subject]: answerAfter(before, event) } };
  });
}

function answerAfter(before: AnswerState, event: ChatEvent): AnswerState {
  switch (event.type) {
    case "chat_token":
      return { kind: "streaming", text: event.text, tokens: event.tokens };
    case "chat_done": {
      const { text, tokens, ms, ended, verdict, odds } = event;
      return { kind: "done", text, tokens, ms, ended, verdict, odds };
    }
    case "chat_failed":
      return { kind: "failed", text: before.text, failure: event.failure };
  }
}
