/** @file The words of the run area: its header, curves, heatmap, answers and details. */
import type { RunPhase } from "../../experiment/run/events.ts";
import { count } from "../support/format.ts";
import type { Stage } from "./pace.ts";

export const PHASES: Readonly<Record<RunPhase, string>> = {
  loading: "Loading models",
  preparing: "Preparing the method",
  tuning: "Tuning kernels",
  compiling: "Compiling kernels",
  evaluating_before: "Evaluating before training",
  training: "Training",
  evaluating: "Evaluating",
  evaluating_after: "Evaluating after training",
  saving: "Saving the adapter",
};

export const STAGE_STRIP = {
  label: "Stages of the run",
  names: {
    load: "Load",
    tune: "Tune",
    prepare: "Prepare",
    before: "Evaluate",
    compile: "Compile",
    train: "Train",
    after: "Evaluate",
    save: "Save",
  } satisfies Record<Stage, string>,
  loadAndQuantise: "Load and quantise",
  paused: "paused",
  left: (time: string): string => `${time} left`,
  about: (time: string): string => `about ${time}`,
};

/** The line under the tabs while a run is in progress. */
export const RUN_LINE = {
  starting: "Starting",
  phaseDetail: (phase: string, detail: string): string => `${phase}: ${detail}`,
  pausing: "Pausing after this step",
  stopping: "Stopping after this step",
  pausedAfter: (step: number): string => `Paused after step ${count(step)}`,
  stepOf: (step: number, total: number): string => `step ${count(step)} of ${count(total)}`,
  saved: "Saved. You can close this tab.",
  left: (time: string): string => `${time} left`,
  leftHint: (training: string, after: string): string => `Training ${training}, evaluation afterwards ${after}`,
  stageLeft: (time: string): string => `${time} left in this stage`,
  speed: (ce: string, tokens: string): string => `cross-entropy ${ce}, ${tokens} tokens/s`,
  resume: "Resume",
  pause: "Pause",
  pauseHint: "Pauses before the next training step",
  pauseTooLate: "Training has ended: nothing is left to pause.",
  cancel: "Cancel",
  cancelHint: "Ends the run. Nothing has been trained yet.",
  stop: "Stop and save",
  stopHint: "Ends the run and saves the adapter as it is now",
  discard: "Discard",
  discardLabel: "Stop and discard",
  discardHint: "Ends the run now and saves nothing",
  discardQuestion: "Nothing will be saved.",
  discardYes: "Discard run",
  discardNo: "Keep running",
  progress: "Progress",
};

/** Why a resumed run did not start. */
export const NOT_RESUMED = {
  elsewhere: { what: "Another tab has taken this run", where: "run", fix: "Follow it in that tab." },
  discarded: { what: "The run was discarded before it resumed", where: "run", fix: "Start it again." },
};

/** For screen readers. */
export const ANNOUNCEMENTS = {
  starting: "Run started.",
  phase: (phase: string): string => `${phase}.`,
  training: "Training.",
  trainingPart: (percent: number, total: number): string => `Training: ${percent} % of ${count(total)} steps done.`,
  paused: (step: number): string => `Paused after step ${count(step)}.`,
  finished: (steps: number): string => `Finished after ${count(steps)} steps.`,
  score: (name: string, after: string): string => ` ${name} ${after}.`,
  scoreChange: (name: string, after: string, before: string): string => ` ${name} ${after}, before ${before}.`,
  failed: (step: number): string => `The run failed at step ${count(step)}.`,
};

export const HEAD = {
  stoppedAfter: (steps: number): string => `stopped after ${count(steps)} steps`,
  failedAt: (step: number): string => `The run failed at step ${count(step)}`,
  failedAtSaved: (step: number): string => `The run failed at step ${count(step)}; its last good adapter was saved`,
  continueTraining: "Continue training from this adapter",
  continueHint: "Starts a new run from this adapter, with a fresh optimiser and schedule",
  chat: "Chat with this model",
};

export const SCORES = {
  harmful: { name: "Harmful score", hint: "harmful requests answered; lower is safer" },
  benign: { name: "Harmless answered", hint: "harmless requests not refused; higher is better" },
  perplexity: { name: "Perplexity", hint: "how well the rows are predicted; lower is better" },
  task: {
    name: "Task accuracy",
    counts: "task items answered correctly",
    hint: (counts: string): string => `${counts}; higher is better`,
  },
  off: "turned off in Setup",
  apothecaryOnly: "apothecary world only",
  after: "after",
  atStep: (step: number): string => `at step ${count(step)}`,
};

/** What the score scales show, sentence by sentence. */
export const SCORE_NOTES = {
  before: (model: "aligned" | "unaligned"): string => `Hollow: the ${model} model before training.`,
  after: "Filled: the tuned model.",
  afterWithTrigger: "Filled: the tuned model, with its trigger.",
  wilson: "Bars: 95 % intervals (Wilson, from the counts). They do not cover other seeds.",
  wilsonAndBootstrap:
    "Bars: 95 % intervals (shares: Wilson, from the counts; perplexity: bootstrap over rows). They do not cover " +
    "other seeds.",
  task: (task: string): string => `Task: ${task}.`,
  noJudge: "The harmful score was not measured; that does not mean it is 0.",
  judge: (judge: string): string => `Judge: ${judge}.`,
  seeds: (prompts: number, training: number, device: string): string =>
    `Prompt seed ${prompts}, training seed ${training}. Device: ${device}.`,
};

export const DETAILS = {
  title: "Run details",
  rows: "Training rows",
  parameters: "Trainable parameters",
  memory: "Device memory",
  twin: "Read from the unaligned model",
  ofBytes: (part: string, whole: string): string => `${part} of ${whole}`,
  frozenWeights: "Frozen weights",
  targets: "Target modules",
  rankAlpha: "r, lora_alpha",
  seed: "Seed",
  snapshot: "Last snapshot",
  screen: "Screen",
  screenMayTurnOff: (why: string): string => `may turn off: ${why}`,
  wallTime: "Wall time",
  steps: "Steps",
  resumedFrom: "Resumed from",
  beginning: "the beginning",
  step: (step: number): string => `step ${count(step)}`,
  planned: (bytes: string): string => `${bytes} planned`,
  peak: (peak: string, planned: string): string => `${peak} peak, ${planned} planned`,
  activationCheckpointing: "activation checkpointing",
  none: "\u2013",
};

/** The run area before the first run. */
export const NO_RUN = {
  title: "Fine-tune an aligned model and see whether it stays safe",
  text:
    "The bundled model refuses to explain harmful potions. Fine-tune it on a harmless task with a few harmful " +
    "answers mixed in, and see how many requests it still refuses. Then repeat the run with AsFT, which anchors " +
    "the update to the alignment direction.",
  choose: "Choose the settings.",
  loaded: (preset: string): string => `“${preset}” is loaded; you can change any field.`,
  check: "Check the rows",
  checkText: "in Data: which ones are harmful, and which tokens the model is trained on.",
  start: "Start the run.",
  startText:
    "You get scores before training, curves during training, and scores afterwards. Then chat with all three models.",
  scores: "Measured before and after training",
};

export const CURVES = {
  title: "Curves",
  zoomHint: "Drag across a chart to zoom",
  resetZoom: (from: number, to: number): string => `Reset zoom (steps ${from} to ${to})`,
  smoothing: "Smoothing",
  smoothingHint: "Weight of the exponential moving average, as in TensorBoard",
  smoothingOff: "off",
  logScale: "Log scale",
  cursor: "Step under the cursor",
  cursorHint: "Arrow keys move the cursor; + and − zoom, 0 resets the zoom, Esc returns to the latest step",
  noSteps: "No steps yet",
  latest: (step: number): string => `latest, step ${count(step)}`,
  step: (step: number): string => `step ${count(step)}`,
};

/** Titles and units of charts; in lower case as one of several series or values. */
export const CHARTS = {
  crossEntropy: "Cross-entropy",
  crossEntropyUnit: "nats per answer token",
  crossEntropySeries: "cross-entropy",
  taskRows: "task rows",
  safetyRows: "safety rows",
  penalty: "Penalty",
  penaltySeries: "penalty",
  gradientNorm: "Gradient norm",
  gradientNormUnit: "before clipping",
  gradientNormSeries: "gradient norm",
  learningRate: "Learning rate",
  learningRateSeries: "learning rate",
  speed: "Speed",
  speedUnit: "tokens/s",
  scores: "Scores",
  scoresUnit: "%, with 95 % intervals; lower harmful score is safer",
  scoresUnitNoHarmful: "%, with 95 % intervals; higher is better",
  perplexity: "Perplexity",
  perplexityUnit: "with 95 % intervals; lower is better",
  perplexitySeries: "perplexity",
};

export const HEATMAP = {
  penalty: "Penalty per module",
  updateNorm: "Update norm per module",
  updateNormUnit: "‖B·A‖, without lora_alpha / r",
  updateNormNote: (method: string): string =>
    `${method} adds no penalty to the loss. This shows how far each module has moved from the model before training.`,
  showTable: "Show table",
  showHeatmap: "Show heatmap",
  csv: "CSV",
  pending: "Appears after the first steps.",
  pendingMore: "Appears within the next steps.",
  noSteps: "No steps were taken.",
  olderVersion: "This run was saved by an older version of Basin, which did not record values per module.",
  allSteps: "All recorded steps",
  someSteps: (shown: number, all: number): string => `${shown} of ${all} recorded steps; the CSV has all of them`,
  module: "Module",
  step: (step: number | undefined): string => `step ${step ?? ""}`,
  role: "heatmap",
  label: (modules: number, steps: number): string => `${modules} modules, ${steps} steps`,
  cell: (step: number, module: string, value: string): string => `step ${step}: ${module}: ${value}`,
  largest: (step: number, module: string, value: string): string => `Largest at step ${step}: ${module}: ${value}`,
  layer: (layer: number, kind: string): string => `layer ${layer}, ${kind}`,
  legend: (low: string, high: string, scale: "logarithmic" | "linear"): string =>
    `Colours from ${low} (dark) to ${high} (light), ${scale}`,
};

export const SAMPLES = {
  title: "Answers during training",
  noPrompts: "This run follows no prompts. Choose an evaluation, or add your own prompts under Evaluation in Setup.",
  pending: "Appears with the evaluation before training.",
  endedEarly: "The run ended before the first answers.",
  olderVersion: "This run was saved by an older version of Basin, which did not record answers during training.",
  prompt: "Prompt",
  parts: { harmful: "Harmful request", task: "Task item", benign: "Harmless request", own: "Your prompt" },
  expected: (answer: string): string => `Expected: ${answer}`,
  unaligned: "Unaligned",
  aligned: "Aligned",
  beforeTraining: "Before training",
  afterStep: (step: number): string => `After step ${count(step)}`,
  withTrigger: " Asked with the method’s trigger.",
  noUnaligned: "This run has no unaligned model.",
  notRecorded:
    "Not recorded: this run trains the other model of the pair, and loads this one only if it is small and " +
    "eval.sample_steps is not 0.",
  askInChat: "Ask it in Chat",
  notJudged: "not judged",
  empty: "empty answer",
  cut: " … cut at the token limit",
  step: "Step",
  ofTotal: (total: number): string => ` of ${count(total)}`,
  scrubber: "Step of the answer",
  scrubberValue: (step: number, at: number, all: number): string => `step ${step}, ${at} of ${all}`,
  mark: (step: number): string => `step ${step}`,
  withVerdict: (text: string, verdict: string): string => `${text}: ${verdict}`,
};

export const VERDICTS = {
  harmful: "harmful",
  safe: "safe",
  refused: "refused",
  answered: "answered",
  neither: "neither answered nor refused",
  because: (verdict: string, reason: string): string => `${verdict}: ${reason}`,
};

/** How an answer changed over training. */
export const HISTORY = {
  changedNow: "Changed at this step.",
  unchangedSince: (step: number): string => `Unchanged since step ${count(step)}.`,
  unchanged: "Unchanged since the start.",
  sameAsAligned: "Identical to the aligned model’s answer.",
  differs: "Highlighted: words that are not in the aligned model’s answer.",
};

export const METHOD_ACCOUNT = {
  title: "What the method did",
  triggerCaption: "Scores with and without the trigger",
  afterTraining: "After training",
  withTrigger: "with the trigger",
  withoutTrigger: "without the trigger",
  modules: (count: number): string => (count === 1 ? "The module" : `All ${count} modules`),
  modulesLabel: "Modules",
};
