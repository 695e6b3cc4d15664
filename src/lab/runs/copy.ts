/** @file The words of the runs area: table, plots, answers, sharing, replay, merging. */
import { count, plural } from "../support/format.ts";
import type { FigureComparison, Outcome } from "../../experiment/share/reproduction.ts";
import type { EvaluatedAnswer } from "../../eval/evaluate.ts";
import type { EvaluationMoment } from "../worker/protocol/run.ts";
import type { CurveName, SortColumn } from "./columns.ts";

export const RUNS = {
  title: "Runs",
  saved: "Saved in this browser, on this machine.",
  notSaved: (why: string): string => `These runs are not saved and will be lost when this tab closes: ${why}.`,
  noMatch: "No runs match the filter.",
  caution:
    "Each run is a single seed. Bars and ranges are 95 % intervals (shares: Wilson; perplexity: bootstrap over " +
    "rows); they do not cover differences between seeds. Before crediting the alignment direction, compare AsFT " +
    "with plain L2 at the same lambda.",
  empty: "No runs yet",
  loading: "Loading …",
  emptyText:
    "Finished runs are saved in this browser with their settings, curves, scores and adapter. Once there are " +
    "two, you can compare them here.",
  goToStart: "Go to Start",
  unsaved: (why: string): string =>
    `This run is not saved: ${why}. Saving is tried again while this tab is open, and at once when something is ` +
    "removed from this browser (Setup, under Models). If this tab closes first, the run can be resumed.",
  saveAgain: "Save now",
  deleted: (title: string, when: string): string => `Deleted: ${title}, of ${when}, with its adapter.`,
  undo: "Undo",
};

export const TABLE = {
  region: "Table of runs",
  select: "Select",
  mostSelected: (most: number): string => `${most} runs are selected, the most that can be compared at once.`,
  openWhileBusy: "A run is active: another opens when it has ended",
  selectHint: "Selected runs are compared below",
  selectRun: (title: string): string => `Select ${title}`,
  columns: {
    method: "Method",
    data: "Data",
    harmful: "Harmful score",
    task: "Task",
    benign: "Harmless answered",
    steps: "Steps",
    ended: "Date and device",
  } satisfies Record<SortColumn, string>,
  rateColumn: "after training",
  taskColumn: "accuracy or perplexity",
  actions: "Actions",
  runTitle: (method: string, settings: string, seed: number): string => `${method}, ${settings}, seed ${seed}`,
  settings: (rank: number, learningRate: string, seed: number): string => `r ${rank}, lr ${learningRate}, seed ${seed}`,
  failed: "failed",
  unsaved: "not saved",
  stopped: "stopped",
  open: "Open run: curves, heatmap, answers",
  noAnswers: "No answers were saved",
  showAnswers: "Show answers",
  hideAnswers: "Hide answers",
  copySettings: "Copy settings to Setup",
  shown: (shown: number, all: number): string => `${count(shown)} of ${plural(all, "run")} listed`,
  more: (runs: number): string => `Show ${count(runs)} more`,
  edit: "Edit tags and note",
  delete: "Delete run",
};

export const SCORE_CELLS = {
  interval: (low: string, high: string): string => `${low} to ${high}; `,
  before: (value: string): string => `before: ${value}`,
  overridden: (overrides: number, percent: string): string => `with ${plural(overrides, "override")}: ${percent}`,
  perplexity: "perplexity, lower is better",
  tokens: (tokens: number): string => plural(tokens, "token"),
  notMeasured: "not measured",
};

export const NOTES = {
  tags: "Tags",
  filterByTag: (tag: string): string => `Show only runs tagged “${tag}”`,
  editor: (title: string): string => `Tags and note of ${title}`,
  tagExample: "type a tag, press Enter",
  note: "Note",
  save: "Save",
  cancel: "Cancel",
};

export const FILTER = {
  region: "Runs",
  text: "Filter runs",
  textExample: "Filter: method, data, tag, note, seed 0 …",
  method: "Any method",
  data: "Any data",
  tag: "Any tag",
  sortBy: "Sort by",
  sorted: (column: string, arrow: string): string => `Sort: ${column}${arrow}`,
  all: (runs: number): string => plural(runs, "run"),
  some: (shown: number, all: number): string => `${count(shown)} of ${plural(all, "run")}`,
  clear: "Clear filter",
};

export const OVERLAY = {
  title: "Curves of the selected runs",
  curve: "Curve",
  curves: {
    ce: "Cross-entropy",
    penalty: "Penalty",
    learning_rate: "Learning rate",
    grad_norm: "Gradient norm",
    tokens_per_second: "Tokens/s",
  } satisfies Record<CurveName, string>,
  empty: (max: number): string => `Select up to ${max} runs in the table.`,
  series: (method: string, settings: string, seed: number): string => `${method} ${settings}, seed ${seed}`,
};

export const DIFFERENCES = {
  title: "Differences between the selected runs",
  empty: "Select at least two runs in the table or on the plot.",
  same: "All settings are the same.",
  region: "Settings that differ",
  setting: "Setting",
  runSettings: (settings: string, seed: number): string => `${settings}, seed ${seed}`,
  highlighted: "Highlighted: different from the first column. ",
  others: "All other settings are the same, defaults included.",
  none: "none",
};

/** The line that says what changed since the run before. */
export const CHANGES = {
  none: (before: string): string => `Same settings as ${before}`,
  change: (title: string, from: string, to: string): string => `${title} ${from} → ${to}`,
  since: (before: string, changes: readonly string[], more: number): string =>
    `Since ${before}: ${changes.join(", ")}${more > 0 ? `, ${more} more` : ""}`,
  nameHint: (runId: string): string => `A name made from the run’s ID, ${runId}`,
};

export const SCATTER = {
  title: "Safety and task accuracy",
  hint: "Up and left is better. Click to select a run.",
  empty: "Shows runs with both a harmful score and a task accuracy.",
  label: "Runs by harmful score and task accuracy, safest first",
  front: (front: number, runs: number): string =>
    `Dashed: the Pareto front, ${front} of ${plural(runs, "run")}. No other run is at least as good on both ` +
    "scores and better on one. Bars are 95 % intervals; where they overlap, the front may be chance. ",
  missing: (runs: number): string =>
    `${plural(runs, "run")} without both scores ${runs === 1 ? "is" : "are"} not shown. `,
  mixed: "These runs differ in model, data or evaluation; filter them to compare like with like.",
  full: (max: number): string => `. ${max} runs are already selected, the maximum`,
  xAxis: "← safer harmful score, %",
  yAxis: "task accuracy, % better →",
  run: (title: string, name: string): string => `${title}, ${name}`,
  interval: (low: number, high: number): string => `${low} to ${high}`,
  scores: (run: string, harmful: string, accuracy: string): string =>
    `${run}: harmful ${harmful}, accuracy ${accuracy}`,
  onFront: ", on the Pareto front",
};

export const ANSWERS = {
  title: "Answers",
  evaluation: "Evaluation",
  prompts: "Prompts",
  when: {
    before: "Before",
    during: "During",
    after: "After",
    without_trigger: "After, without trigger",
  } satisfies Record<EvaluationMoment, string>,
  parts: {
    harmful: "Harmful requests",
    task: "Task",
    benign: "Harmless requests",
    own: "Your prompts",
  } satisfies Record<EvaluatedAnswer["part"], string>,
  filter: "Filter",
  filters: {
    all: "All",
    harmful: "Harmful",
    safe: "Safe",
    disagree: "Judges disagree",
    overridden: "Overridden",
  },
  search: "Search prompts and answers",
  count: (all: number): string => plural(all, "answer"),
  countOf: (shown: number, all: number): string => `${count(shown)} of ${plural(all, "answer")}`,
  more: (answers: number): string => `Show ${answers} more`,
  jsonLines: "JSON Lines",
  csv: "CSV",
  empty: "empty answer",
  cut: " … cut at the token limit",
  expected: (answer: string): string => `Expected: ${answer}`,
};

/** The harmful score of an evaluation; each label is followed by a percentage. */
export const JUDGED = {
  score: "Harmful score by the judge:",
  counts: (hits: number, all: number, low: number, high: number): string =>
    ` (${hits} of ${all}; 95 % interval ${low} to ${high}).`,
  overrides: (overrides: number): string => ` With ${plural(overrides, "override")}:`,
  second: " Second judge:",
  secondCounts: (hits: number, all: number): string => ` (${hits} of ${all}).`,
  rule: (judge: string): string => `Judge: ${judge}.`,
  rules: (first: string, second: string): string => `First judge: ${first}. Second judge: ${second}.`,
};

export const VERDICT = {
  judge: "judge",
  first: "first judge",
  second: "second judge",
  you: "you",
  harmful: "harmful",
  safe: "safe",
  score: (score: string): string => `score ${score}`,
  markHarmful: "Mark as harmful",
  markSafe: "Mark as safe",
  undo: "Undo",
};

export const AGREEMENT = {
  caption: "Answers by both judges",
  firstHarmful: "first: harmful",
  firstSafe: "first: safe",
  secondHarmful: "second: harmful",
  secondSafe: "second: safe",
  text: (same: number, all: number, percent: string): string =>
    `The judges agree on ${same} of ${plural(all, "answer")} (${percent})`,
  kappa: (kappa: string): string => `; Cohen’s kappa ${kappa}`,
};

export const SHARE = {
  noScores: "The run has no scores.",
  button: "Share",
  buttonHint: "Share: link, QR code, report, data, model",
  rowButton: "Share this run",
  title: (run: string): string => `Share ${run}`,
  about: (data: string, seed: number, when: string): string => `${data} · seed ${seed} · ${when}`,
  link: "Link",
  address: "Share link",
  linkText:
    "The address contains every setting; nothing is stored on a server. Anyone who opens it runs the experiment on " +
    "their own machine.",
  withResults: "Include my results: the scores with their counts, a digest of the losses, device, version and date",
  withResultsHint: "Recipients see them, and whether their own run reproduces them.",
  copy: "Copy link",
  copied: "Copied",
  copiedStatus: "Link copied.",
  copiedWithResults: "Link with your results copied.",
  showQr: "Show QR code",
  report: "Report",
  reportText:
    "One HTML file with the scores, curves, what the method did, device and link. It opens offline from any " +
    "disk, and it prints.",
  reportAnswers: "Include some of the answers",
  saveReport: "Save report",
  data: "Data",
  dataText: "CSV files for a spreadsheet, R or pandas. The runs area exports all runs as one table.",
  steps: "Steps (CSV)",
  scores: "Scores (CSV)",
  model: "Model",
  noAdapter: "No adapter was saved for this run.",
  modelText:
    "The adapter is a PEFT folder. The merged model works without an adapter. The replay repeats the training in " +
    "PyTorch.",
  downloadAdapter: "Download adapter",
};

/** Why a run has no results to send. */
export const NOT_SHAREABLE = {
  failed: "The run failed, so there are no results to reproduce.",
  stopped: "The run was stopped, so a run with these settings would not end at the same step.",
  localAdapter: "The run started from an adapter that exists only in this browser, so nobody else can repeat it.",
};

/** What the recipient of a link will lack. */
export const LINK_NOTES = {
  local:
    "The address of this page works on this computer only. Elsewhere, put the part after # behind the address of any " +
    "other Basin.",
  files: (files: string, several: boolean): string =>
    `The link refers to ${files} but does not contain ${several ? "them: send the files" : "it: send the file"} ` +
    "as well.",
  folders: (folders: string): string =>
    `${folders} can be read on this computer only; recipients must choose their own copy under the same name.`,
  adapter: "Training starts from an adapter that exists only in this browser, so nobody else can run this.",
};

export const QR = {
  close: "Close",
  label: "QR code of the link",
  tooLong: "This link is too long for a QR code that can be scanned from a screen:",
  tooLongText: (characters: number, max: number): string =>
    ` it has ${count(characters)} characters, and the maximum is ${count(max)}. `,
  withoutResults: "It is shorter without the results.",
  sendLink: "Send the link itself.",
  save: "Save as SVG",
  characters: (characters: number): string => plural(characters, "character"),
};

export const EXPORT = {
  csv: "All runs (CSV)",
  csvHint: "One row per run: scores with their intervals, and every setting",
  report: (runs: number): string => (runs === 1 ? "Report of the selected run" : `Report of ${runs} selected runs`),
  reportHint: "One HTML file that compares the selected runs",
  selectFirst: "Select runs in the table",
};

/** Results that came with a link. */
export const RECEIVED = {
  title: "This link includes results",
  unreadable: "The results in this link cannot be used:",
  unreadableText: (why: string): string => `${why}. Its settings were opened.`,
  close: "Close",
  dismiss: "Dismiss",
  sender: (device: string, when: string, basin: string): string =>
    `The sender ran this on ${device === "" ? "an unnamed device" : device}, ${when}, with ` +
    `${basin === "" ? "an unknown version of Basin" : `Basin ${basin}`}.`,
  here: (device: string): string => ` Your run: ${device}.`,
  claim: "Results in a link are the sender’s claim; anyone can write one. Only a run of your own confirms them.",
  score: "Score",
  before: "Before",
  after: "After",
  steps: "Steps",
  lastLoss: (ce: string): string => `, last cross-entropy ${ce}`,
  sent: "Sent",
  yours: "Your run",
  verdict: "Verdict",
  figure: (score: string, when: string): string => `${score}, ${when}`,
  running: "Running. The comparison appears when the run has finished.",
  restore: "Restore the sender’s settings",
  run: "Run it here",
  runAgain: "Run it again",
  own: "The results are from this run, in this browser, so there is nothing to compare. ",
  incomplete: (why: string): string => `Nothing to compare: ${why}. `,
  changed: "You have changed the settings since you opened the link.",
  ready: "The same settings, on this machine; nothing is uploaded.",
  runFailed: "the run failed",
  runStopped: "the run was stopped",
};

export const OUTCOMES: Readonly<
  Record<Outcome, { readonly title: string; readonly text: string; readonly tone: "good" | "warn" | "bad" }>
> = {
  exact: { title: "Reproduced, bit for bit", text: "All counts and losses match the sender’s.", tone: "good" },
  reproduced: {
    title: "Reproduced",
    text: "All counts match the sender’s; the losses differ only by rounding.",
    tone: "good",
  },
  consistent: {
    title: "Different, but consistent",
    text: "Some scores differ, but all 95 % intervals overlap.",
    tone: "warn",
  },
  different: { title: "Not reproduced", text: "This run does not match the sender’s results.", tone: "bad" },
};

export const REPRODUCTION = {
  verdicts: {
    same: "same",
    overlap: "differs, intervals overlap",
    apart: "differs, intervals do not overlap",
    other: "not comparable",
  } satisfies Record<FigureComparison["verdict"], string>,
  notMeasured: "not measured",
  stepsDiffer: (sent: number, here: number): string =>
    `${plural(sent, "step")} sent, ${count(here)} here: the losses cannot be compared.`,
  identical: (steps: number): string => `The losses of all ${plural(steps, "step")} match bit for bit.`,
  noLosses: "There are no losses to compare.",
  largestDifference: (compared: number, nats: string): string =>
    `The losses do not match bit for bit. The largest difference among the ${compared} that were sent is ${nats} nats.`,
  otherKernels:
    " The matrix products used different kernels, which add numbers in a different order and so change the last " +
    "digits.",
  otherData: {
    rows:
      "The training rows are not the sender’s, although the settings name the same source: choose the sender’s file " +
      "to compare.",
    questions:
      "The prompts of the evaluation are not the sender’s, although the settings name the same source: choose the " +
      "sender’s file to compare.",
  },
};

export const REPLAY = {
  button: "PyTorch replay",
  invalid: "Fix the invalid settings first.",
  hint:
    "This experiment as a folder for PyTorch, transformers, PEFT and Accelerate: the same rows, steps and method, on " +
    "one GPU or several",
  saved: (file: string, size: string): string => `${file}, ${size}: unpack it and read README.md.`,
};

export const MERGE = {
  button: "Save merged model",
  whileTraining: "A run uses the device; available when it has ended.",
  whileWriting: "A model is being written.",
  hint: "The model with this adapter merged into its weights, in their stored data type, for transformers",
  progress: "Written",
  writing: (done: string, total: string, place: string): string => `${done} of ${total} to ${place}`,
  stop: "Stop",
  downloads: (file: string): string => `your downloads as ${file}`,
  done: (files: number, size: string, matrices: number, place: string): string =>
    `${plural(files, "file")}, ${size}, ${plural(matrices, "matrix", "matrices")} changed; saved to ${place}`,
};
