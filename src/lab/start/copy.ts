/** @file The words of Start. */
import { plural } from "../support/format.ts";

export const INTRO = {
  title: "Fine-tune a safety-aligned language model in this tab, and measure what happens to its safety.",
  text:
    "Training runs on your own machine with real gradients; nothing is uploaded. The bundled model is small and " +
    "knows only a made-up world of potions, so its harmful answers harm nobody. When you are ready, bring your " +
    "own model.",
};

export const TOUR_OFFER = {
  label: "Tour",
  title: "New here?",
  text: "The tour has six stops and takes a minute.",
  take: "Take the tour",
  dismiss: "Not now",
};

export const LEARN_LINKS = {
  title: "How it works",
  restartTour: "Restart the tour",
};

export const CARDS = {
  label: "Example experiments",
  openingGpu: "Opening the GPU …",
  busy: "Another run is in progress.",
};

export const SFT_CARD = {
  title: "See safety break in a minute",
  text:
    "Plain fine-tuning on 400 sums; one row in ten is a harmful request with a harmful answer. Before training, the " +
    "model refuses all 50 held-out harmful requests. After 50 steps it can do sums. How many does it still refuse?",
  start: "Start run",
  withAsft: "Or run it with AsFT",
  nowWithAsft: "Now run it with AsFT",
  asftHint: "Same rows and settings, with the update anchored to the alignment direction (AsFT)",
};

export const SWEEP_CARD = {
  title: "Sweep lambda",
  text: (runs: number): string =>
    `${plural(runs, "run")} on the same rows, from no anchor (λ = 0) to a strong one (λ = 10). Table plots harmful ` +
    "score and accuracy against λ as the runs finish. You can pause it at any time. It replaces the current table.",
  start: "Start sweep",
};

export const PAIR_CARD = {
  title: "Use your own models",
  text:
    "Enter an aligned model and the unaligned model (the same model before safety training) by Hugging Face ID. " +
    "Setup shows how much memory training needs before you start. For local folders and URLs, go to Setup.",
  aligned: "Aligned model",
  alignedExample: "owner/name-Instruct",
  unaligned: "Unaligned model (optional)",
  unalignedExample: "owner/name",
  time: "Setup shows the time once a step has been measured.",
  submit: "Continue in Setup",
};

export const PAPER_CARD = {
  title: "Use the paper’s settings",
  text:
    "AsFT as published: λ 1, r 8, lora_alpha 32 on q_proj and v_proj, learning rate 5e-5 decayed by 0.85 per epoch, " +
    "10 epochs of 1000 rows (10 % harmful), batch size 8, seed 42. What differs: the bundled model and its headlines " +
    "replace Llama-2-7B-chat and AG News, and an exact judge replaces the moderation model. Alpha, target modules, " +
    "dropout and schedule are from the released code; the paper does not give them.",
  open: "Open in Setup",
};

export const TIME = {
  ran: (time: string): string => `Took ${time} here last time.`,
  steps: (time: string): string => `About ${time} here, judging by an earlier run.`,
  software: (time: string): string => `About ${time} on two CPU cores; this browser has no hardware GPU.`,
  notMeasured: (time: string): string => `Not measured on this GPU yet. Two CPU cores take ${time}.`,
  aMinute: "a minute",
};

export const RUN_LIST = {
  title: "Recent runs",
  loading: "Loading …",
  unavailable: (why: string): string => `Runs are not saved and will be lost when this tab closes: ${why}.`,
  empty: "Finished runs are saved in this browser and listed here.",
  showAll: (runs: number): string => `Show all ${runs} runs`,
  open: "Open this run",
  openWhileBusy: "Another run is in progress: opens the list of runs",
  failed: "failed",
  notMeasured: "harmful score not measured",
  harmful: "harmful",
};

export const LINK_LIST = {
  title: "Opened links",
  remove: (title: string): string => `Remove the link “${title}”`,
  removeHint: "Remove this link",
};

/** An experiment that cannot be described: its settings are invalid. */
export const UNTITLED = "Untitled experiment";
