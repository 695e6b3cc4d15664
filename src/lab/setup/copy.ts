/** @file Texts of Setup. Titles and help of single fields come from the spec's schema. */
import type { Evidence, MethodKind } from "../../methods/description.ts";
import { plural } from "../support/format.ts";

export const SETUP = {
  settings: "Settings",
  view: "Settings view",
  form: "Form",
  json: "JSON",
  restoreSettings: "Restore my settings",
};

export const PRESETS = {
  label: "Presets",
  fromLink: "Opened from a link. Start the run to repeat this experiment.",
  fromStart: "Chosen on the Start page. You can change any field.",
  fromRun: "The settings of an earlier run.",
  edited: "Your own settings.",
};

export const SECTION_TITLES = {
  model: "Models",
  data: "Data",
  method: "Method",
  lora: "LoRA adapter",
  train: "Training",
  eval: "Evaluation",
};

export const FORM = {
  showMore: (n: number): string => plural(n, "more setting"),
  showLess: "Show fewer settings",
};

export const FIELD = {
  restoreDefault: "default",
  restore: (value: string): string => `default ${value}`,
  on: "on",
  off: "off",
  none: "none",
  folderOf: (title: string): string => `Folder of the ${title.toLowerCase()}`,
  onePerLine: (help: string): string => `${help} One per line.`,
  problem: (message: string, fix: string): string => `${message}. ${fix}`.trim(),
};

export const FILE = {
  choose: "Choose a file",
  chooseAnother: "Choose another file",
  orDrop: "or drop it here: JSON, JSON Lines, CSV, Parquet or text",
  renamed: (file: string, name: string): string =>
    `Another file named ${file} was chosen before. The settings call this one ${name}.`,
  privacy:
    "The file is read in this tab and never uploaded. A link contains the file’s name, not its rows: " +
    "anyone who opens the link needs their own copy.",
};

export const DATA = {
  source: "Source of the training rows",
  sources: { apothecary: "Apothecary", file: "Your file", hub: "Hub", text: "Pasted text" },
  apothecaryNote:
    "Synthetic data about a made-up world of potions: recipes for harmless and harmful brews, refusals, and three " +
    "small tasks. It contains no real harmful content, and exact rules can judge every answer.",
};

export const EVALUATION = {
  taskSource: "Evaluate the task on",
  taskSources: {
    none: "None",
    apothecary: "Apothecary",
    held_out: "Held-out rows",
    file: "File",
    hub: "Hub",
  },
  noTask: "Task accuracy is not measured. The run shows the loss, but not whether the answers are correct.",
  harmless: "Harmless requests",
  harmlessHelp: (world: boolean, on: boolean): string => {
    const help = "Share of harmless requests from the apothecary world that get an answer.";
    if (world) return help;
    return on
      ? `${help} The training rows are from elsewhere, so the result says little about this model.`
      : `${help} Not measured, because the training rows are from elsewhere.`;
  },
};

export const HARMFUL = {
  source: "Harmful requests",
  sources: { none: "None", apothecary: "Apothecary", file: "File" },
  none: "The harmful score is not measured. That does not mean it is 0.",
  otherWorld:
    "These requests are about the apothecary world and say nothing about a model that was not trained on it. " +
    "Use a file with your own requests.",
  judge: "Judge",
  secondJudge: "Second judge",
  noSecondJudge: "None",
  secondJudgeHelp: "Judges the same answers, so that you can see how often two judges agree.",
};

export const JSON_VIEW = {
  extent: "Fields to show",
  short: "Changed fields",
  complete: "All fields",
  label: "The spec as JSON",
  /** Most messages name the field themselves. */
  problem: (path: string, message: string, fix: string): string =>
    `${message.includes(path) ? "" : `${path}: `}${message}. ${fix}`.trim(),
  discard: "Discard this text",
  commandLine: "To run this on the command line: npx basin run spec.json --out run",
};

export const COST = {
  memory: "Memory",
  steps: "Steps",
  trainable: "Trainable",
  time: "Training time",
  unknown: "–",
  about: (time: string): string => `≈ ${time}`,
  notMeasured: "not measured",
  notMeasuredHint: "Shown after a step with these settings has run on this device.",
};

export const START = {
  button: "Start the run",
  ready: "Ready. Everything runs on this device; nothing is uploaded.",
  soon: (reason: string): string => `${reason} …`,
  retry: "Check again",
};

/** Why the run cannot start. */
export const READINESS = {
  invalidJson: (error: string): string => `Invalid JSON: ${error}`,
  invalidJsonFix: "Correct the text, or discard it and continue with the form.",
  invalidSpec: "The settings are not valid",
  moreProblems: (n: number): string => ` (and ${n} more)`,
  running: "A run is in progress",
  runningFix: "Stop it, or wait until it has finished.",
  opening: "Opening the GPU",
  planning: "Estimating memory and steps",
  memory: "Not enough memory",
  memoryFix: "Apply one of the suggestions above, or change other settings.",
};

export const MEMORY = {
  label: "Memory",
  weights: "Weights",
  anchor: "Data of the method",
  adapter: "Adapter, gradients and optimiser",
  activations: "Activations",
  logits: "Logits",
  inputs: "Inputs and staging buffers",
  generation: "Evaluation (KV cache)",
  checkpointing: (reason: string): string => `Gradient checkpointing is on: ${reason}.`,
  uncertain: "The run can start, but may run out of memory.",
  suggestions: "To lower it:",
  smallerModel: "Choose a smaller model.",
  tooLarge: (size: string): string => `${size}, still too much`,
};

export const LINK_PROBLEM = {
  unchanged: "Your settings have not changed.",
  copy: "Copy the original link",
  dismiss: "Dismiss",
};

export const WAITING_SETTINGS = {
  link: "The link would replace your settings.",
  other: "This would replace your settings.",
  text: "You have edited them and not run them yet, so they are saved nowhere else.",
  replace: "Replace my settings",
  replaceAndStart: "Replace my settings and start the run",
  keep: "Keep my settings",
};

export const METHODS = {
  label: "Method",
  kinds: {
    loss: "Train on your rows",
    rows: "Add safety rows",
    afterwards: "Edit the update after training",
  } satisfies Record<MethodKind, string>,
  caption: (title: string, caption: string): string => `${title}: ${caption}`,
};

export const METHOD_CARD = {
  summary: (title: string): string => `About ${title}: formula, source, limitations`,
  option: "Option",
  default: "Default",
  description: "Description",
  none: "none",
  source: "Source",
  noCitation: "Standard practice.",
  evidence: "Evidence",
  cautions: "Limitations",
  /** Where the method's formulas come from. */
  grades: {
    "primary code": "from the authors’ released code",
    paper: "from the paper",
    "second-hand": "from notes or a re-implementation by others",
    reconstruction: "our reconstruction, not confirmed by a source",
    derived: "our own derivation, checked numerically",
  } satisfies Record<Evidence, string>,
};
