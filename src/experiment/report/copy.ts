/** @file The words of the HTML report. */
import { count, plural } from "../../base/format.ts";

export const REPORT = {
  title: (run: string): string => `${run}: a Basin run`,
  titleOfSeveral: (runs: number): string => `${count(runs)} Basin runs`,
  headingOfSeveral: (runs: number): string => `${count(runs)} runs`,
  intro: (version: string, when: string): string =>
    `Made with Basin ${version}, a fine-tuning lab in a browser tab, on ${when} UTC. Bars and ranges are 95 % ` +
    "intervals (shares: Wilson; perplexity: bootstrap over rows). Each run is a single seed; the intervals do not " +
    "cover differences between seeds.",
};

export const COMPARISON = {
  title: "Comparison",
  run: "Run",
  data: "Data",
  perplexity: "Perplexity",
  steps: "Steps",
  seed: (seed: number): string => `seed ${seed}`,
  seedOutcome: (seed: number, outcome: string): string => `seed ${seed}, ${outcome}`,
  line: (number: number, run: string, seed: number): string => `${number}: ${run}, seed ${seed}`,
};

export const RUN = {
  twin: (model: string): string => ` and its unaligned twin ${model}`,
  failed: (step: number): string => `The run failed at step ${count(step)}:`,
  stopped: (steps: number): string => `Stopped after ${plural(steps, "step")}.`,
  warning: "Doubtful losses.",
  reproduce: "Run it again",
  openLink: "Open",
  link: "this link",
  linkText: "; it contains every setting.",
  fragment: "Put this behind the address of any Basin:",
  commandLine: "Or save the spec as spec.json and run",
  spec: "Spec",
  fullSpec: "Spec with all defaults",
};

export const SCORES = {
  label: "Scores",
  score: "Score",
  before: "Before",
  after: "After",
  plot: "0 to 100 %; hollow: before, filled: after",
  none: "No scores were measured, so this report says nothing about safety.",
  hints: {
    harmful_score: "harmful requests answered; lower is safer",
    second_harmful_score: "the same answers, judged by the second judge",
    task_accuracy: "task items answered correctly; higher is better",
    benign_compliance: "harmless requests not refused; higher is better",
  },
  perplexity: "Perplexity",
  perplexityHint: "how well the rows are predicted; lower is better",
  tokens: (tokens: number): string => plural(tokens, "token"),
  interval: (low: string, high: string): string => `${low} to ${high}`,
  task: (task: string): string => `Task: ${task}.`,
  noJudge: "No judge, so the harmful score was not measured.",
  judge: (judge: string): string => `Judge: ${judge}.`,
  secondJudge: (judge: string): string => `Second judge: ${judge}.`,
  agreement: (percent: string, kappa: string | null): string =>
    `The judges agree on ${percent}${kappa === null ? "" : ` (kappa ${kappa})`}.`,
  promptSeed: (seed: number): string => `Prompt seed ${seed}.`,
  overrides: (overrides: number, percent: string, hits: number, all: number): string =>
    `A person overrode ${plural(overrides, "verdict")}; with ${overrides === 1 ? "it" : "them"}, the harmful score ` +
    `after training is ${percent} (${hits}/${all}).`,
};

export const CURVES = {
  title: "Curves",
  scores: "Scores during training",
  percent: "%",
  crossEntropy: "Cross-entropy",
  crossEntropyUnit: "nats per answer token",
  crossEntropyLine: "cross-entropy",
  taskRows: "task rows",
  safetyRows: "safety rows",
  penalty: "Penalty",
  penaltyUnit: "before its weight",
  penaltyLine: "penalty",
  gradientNorm: "Gradient norm",
  gradientNormUnit: "before clipping",
  gradientNormLine: "gradient norm",
  learningRate: "Learning rate",
  learningRateLine: "learning rate",
  range: (label: string, first: string, last: string): string => `${label}: ${first} to ${last}`,
};

export const MODULES = {
  penalty: { title: "Penalty per module", unit: "each module’s part, before its weight" },
  update_norm: { title: "Update norm per module", unit: "‖B·A‖" },
  caption: (unit: string, first: number, last: number, max: string): string =>
    `${unit}, steps ${first} to ${last}; darkest: ${max}`,
  pooled: ", summed by layer",
  layer: (layer: string): string => `layer ${layer}`,
  atEnd: (title: string, values: string): string => `${title}. At the end: ${values}`,
  step: (step: number): string => `step ${step}`,
};

export const METHOD = {
  title: (method: string): string => `Method: ${method}`,
  account: "What the method did",
  withoutTrigger: (scores: string): string => `Without its trigger: ${scores}.`,
  perModule: (modules: number): string => `Per module (${count(modules)})`,
  modules: "Modules",
};

export const DETAILS = {
  title: "Run details",
  run: "Run",
  ended: "Ended",
  utc: (time: string): string => `${time} UTC`,
  device: "Device",
  wallTime: "Wall time",
  resumedFrom: "Resumed from",
  resumedSteps: (steps: readonly number[]): string => `step ${steps.join(", ")}`,
  rankAlpha: "r, lora_alpha",
  targets: "Target modules",
  weights: "Weights",
  weightsAsStored: "as stored",
};

export const ANSWERS = {
  title: "Sample answers",
  note: "The first prompts of each kind, in the order in which they were asked. These are answers of a model.",
  parts: { harmful: "Harmful requests", task: "Task", benign: "Harmless requests" },
  summary: (part: string, shown: number, all: number): string => `${part}: ${shown} of ${all}`,
  before: "Before",
  after: "After",
  withoutTrigger: "After, without the trigger",
  verdict: (when: string, verdict: string): string => `${when}: ${verdict}`,
  secondJudge: (verdict: string): string => `second judge: ${verdict}`,
  cut: "cut at the token limit",
  expected: (answer: string): string => `Expected: ${answer}`,
  empty: "(empty answer)",
  shortened: (text: string, more: number): string => `${text} … (${plural(more, "more character")})`,
};
