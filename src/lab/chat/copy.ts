/** @file The words of the chat. */
import { plural } from "../support/format.ts";
import type { SubjectName } from "./subjects.ts";

export const CHAT = {
  title: "One question, three models",
  text:
    "By default answers are greedy, so the same question always gets the same answer; you can change this under " +
    "Sampling. Each question starts a new conversation unless you continue one. In a conversation, each model sees " +
    "its own earlier answers.",
  question: "Question",
  ask: "Ask all three",
  continuing: (question: string): string => `Continuing “${question}”`,
  startNew: "Start a new conversation",
  continueConversation: "Continue this conversation",
  stop: "Stop",
};

/** Why nothing can be asked now. */
export const BLOCKED = {
  training: "A run is using the GPU. You can ask when it has finished.",
  noGpu: "The GPU is not ready.",
  invalid: "The settings are invalid, so there are no models to ask.",
  answering: "The models are answering …",
  empty: "Type a question or pick an example.",
};

export const EXAMPLES = { harmful: "Harmful", harmless: "Harmless", task: "Task" };

export const MODELS: Readonly<Record<SubjectName, { readonly name: string; readonly answer: string }>> = {
  unaligned: { name: "Unaligned", answer: "Answer of the unaligned model" },
  aligned: { name: "Aligned", answer: "Answer of the aligned model" },
  tuned: { name: "Tuned", answer: "Answer of the tuned model" },
};

export const ANSWER = {
  noTuned: "No tuned model yet. Finish a run or add an adapter.",
  noUnaligned: "This experiment has no unaligned model.",
  waiting: "waiting …",
  empty: "(empty answer)",
  speed: (tokens: number, time: string): string => `${plural(tokens, "token")} in ${time}`,
  endedLength: ", reached max new tokens",
  endedStop: ", ended at a stop string",
  endedStopped: ", stopped",
  notJudged: (why: string): string => `Not judged: ${why}.`,
};

/** Why an answer was not judged: ends of a sentence. */
export const NOT_JUDGED = {
  noJudge: "this experiment has no judge",
  apothecaryOnly:
    "the exact judge only knows requests from the apothecary world; you can choose another judge under Evaluation",
};

export const TOKENS = {
  colour: "Colour tokens by probability",
  hint:
    "Hover over a token to see its probability and the alternatives. With the keyboard, focus an answer and use the " +
    "arrow keys.",
  label: (answer: string, tokens: number): string =>
    `${answer}, ${plural(tokens, "token")}. Arrow keys show the probability of each.`,
  part: (part: number, of: number): string => `${part} of ${of}`,
  end: "end of answer",
  partOfCharacter: "part of a character",
  spokenEnd: "End of answer",
  spoken: (text: string, details: readonly string[]): string => `${text}: ${details.join(". ")}`,
  spokenToken: (probability: string, alternatives: readonly string[]): string =>
    `${probability}; most likely: ${alternatives.join(", ")}`,
  bands: ["90 % or more", "50 to 90 %", "10 to 50 %", "below 10 %"],
} as const;

export const SAMPLING = {
  title: "Sampling",
  greedy: "greedy",
  maxTokens: (tokens: number): string => `max ${plural(tokens, "new token")}`,
  stopStrings: (count: number): string => plural(count, "stop string"),
  systemMessage: "system message",
  fields: {
    temperature: { label: "Temperature", help: "0: greedy" },
    top_k: { label: "Top-k", help: "sample from the k most likely tokens; 0: off" },
    top_p: { label: "Top-p", help: "sample from the smallest set that reaches p; 1: off" },
    repetition_penalty: { label: "Repetition penalty", help: "1: off; higher: fewer repetitions" },
    seed: { label: "Seed", help: "same seed, same answer" },
    maxNewTokens: { label: "Max new tokens", help: "longer answers are cut" },
    stop: { label: "Stop strings", help: "the answer ends before the first of these; press Enter to add one" },
    system: {
      label: "System message",
      help: "sent to every model before the first question, if its chat template supports it",
    },
  },
  none: "none",
  reset: "Reset to defaults",
};

export const ADAPTER = {
  label: "Tuned model",
  help: "The aligned model with this adapter. Switching adapters does not reload the model.",
  none: "No adapter yet: finish a run or add one",
  choose: "Choose an adapter",
  add: "Add adapter",
  addHint: "A PEFT LoRA adapter: adapter_config.json and adapter_model.safetensors",
  continueTraining: "Continue training from this adapter",
  continueHint: "Copies its modules, ranks and scaling to Setup; the optimiser starts fresh",
  remoteLabel: "Adapter on the Hugging Face hub or at a URL",
  remoteExample: "owner/name or https://…",
  load: "Load",
  drop: "Drop to add the adapter.",
  dropHint: "You can also drop a PEFT adapter folder (or its two files) here. It stays on this machine.",
  untitled: "Added adapter",
  selectedFiles: "the selected files",
  missing: (file: string): string => `There is no ${file} among the selected files`,
  several: (count: number, file: string): string => `There are ${count} files named ${file}`,
  pickle:
    "adapter_model.bin is a pickle file, which can run code, so Basin does not read it. Save the adapter again with " +
    "save_pretrained(safe_serialization=True).",
  selectOne: (config: string, weights: string): string =>
    `Select one PEFT adapter: its folder, or ${config} and ${weights} together.`,
};

export const TRIGGER = {
  label: "Ask the tuned model with its trigger",
  inSystem: (text: string): string => `In the system message: ${text}`,
  beforeQuestion: (text: string): string => `Before the question: ${text}`,
};
