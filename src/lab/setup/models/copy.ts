/** @file Texts of the model section: choosing models, what is known about them, storage, downloads. */
import { plural } from "../../support/format.ts";
import type { SourceKind } from "./modelNames.ts";
import type { ModelRole } from "./modelController.ts";

export const ROLES: Readonly<Record<ModelRole, { readonly title: string; readonly help: string }>> = {
  aligned: { title: "Aligned model", help: "The model to fine-tune." },
  unaligned: {
    title: "Unaligned model",
    help:
      "The same model before safety training, usually the base model. AsFT and Safe LoRA compare the two. " +
      "Only the target modules are read.",
  },
};

export const PICKER = {
  kinds: { none: "None", bundled: "Bundled", hub: "Hub", address: "URL", folder: "Folder" } satisfies Record<
    SourceKind,
    string
  >,
  source: (title: string): string => `Source of the ${title.toLowerCase()}`,
  bundled: (title: string): string => `Bundled ${title.toLowerCase()}`,
  hubId: (title: string): string => `${title}: Hub ID`,
  hubIdExample: "owner/name",
  revision: (title: string): string => `${title}: revision`,
  address: (title: string): string => `${title}: URL of the folder`,
  addressExample: "https://host/folder/",
  orDrop: "or drop it here, alone or together with the other model",
  earlierFolder: "Folder chosen earlier",
  chosenFolder: (title: string): string => `${title}: chosen folder`,
  folderInput: (title: string): string => `Folder of the ${title.toLowerCase()}`,
};

export const FOLDER = {
  choose: "Choose a folder",
};

export const PAIRS_COPY = {
  label: "Suggested models",
  bundled: "Bundled",
  bundledHint: "Included with the page; nothing to download",
  hint: (aligned: string, unaligned: string, note: string): string => `${aligned} and ${unaligned}. ${note}.`,
};

/** The bundled models in two lines. */
export const BRIEF = {
  fineTuned: " is fine-tuned",
  comparedWith: "; ",
  unaligned: " is the same model before safety training",
  size: (family: string, parameters: string): string => ` ${family}, ${parameters} parameters.`,
  included: (both: boolean): string => (both ? " Both are included with the page." : " It is included with the page."),
  choose: "Choose other models",
};

export const DROP_HINT = "Drop one model folder, or both";

export const CARD = {
  opening: "Reading the header …",
  retry: "Try again",
  parameters: (n: string): string => `${n} parameters`,
  and: " and ",
  notSupported: (what: string): string => `Not supported: ${what}.`,
  notRead: "The selected method does not read this model.",
  read: (read: string, total: string, saved: string): string =>
    `Reads ${read} of ${total}; the other ${saved} are skipped.`,
  layers: (n: string): string => `${n} layers`,
  width: (n: string): string => `hidden size ${n}`,
  vocabulary: (n: string): string => `vocabulary ${n}`,
  tokenizer: "with tokenizer",
  noTokenizer: "no tokenizer.json: only rows with token IDs",
  unknownFamily: "Unknown family",
};

export const HUB = {
  summary: (hasToken: boolean, host: string | null): string =>
    `Token and mirror${hasToken ? ": token set" : ""}${host === null ? "" : `, ${host}`}`,
  token: "Access token",
  tokenHelp: (host: string): string =>
    `For private and gated models. Sent only to ${host}, kept in this tab’s memory, lost on reload.`,
  tokenSet: "A token is set",
  forgetToken: "Forget the token",
  tokenExample: "hf_…",
  mirror: "Mirror",
  mirrorHelp: "Another server with the Hub’s API. You can also set it in the page’s URL: ?hubUrl=https://…",
  mirrorInvalid: "Enter a URL that starts with https://",
};

export const STORAGE = {
  summary: (models: number, size: string): string =>
    models === 0
      ? "Saved in this browser: no models yet"
      : `Saved in this browser: ${plural(models, "model")}, ${size}`,
  summaryUnavailable: "Saved in this browser: nothing",
  unavailable: (why: string): string => `Models are downloaded again on each visit: ${why}.`,
  empty:
    "Models from the Hub or a URL are saved here and then work offline. Every read is verified. " +
    "Bundled models and folders are not copied.",
  remove: (title: string): string => `Remove ${title} from this browser`,
  lastUsed: (when: string): string => `last used ${when}`,
  usage: (used: string, quota: string): string => `This page uses ${used} of about ${quota} allowed by the browser.`,
  persistent: "The browser will not clear it when the disk is full.",
  clearable: "The browser may clear it when the disk is full.",
  removeAll: "Remove all",
  persist: "Ask the browser to keep them",
  dismiss: "Dismiss",
  offline: (model: string, why: string, when: string): string =>
    `${model} cannot be reached (${why}). Using the copy saved on ${when}.`,
  notSaved: (model: string, why: string): string =>
    `${model} is not saved in this browser: ${why}. The run is not affected; the model will be downloaded again.`,
  evicted: (model: string, removed: readonly string[]): string =>
    `Removed ${removed.join(" and ")} from this browser to make room for ${model}.`,
};

export const TRANSFERS = {
  title: "Downloads and reads",
  origins: { network: "from the network", cache: "from this browser’s storage", disk: "from disk" },
  progress: (done: string, total: string): string => `${done} of ${total}`,
  rate: (rate: string): string => `, ${rate}/s`,
  left: (time: string): string => `, ${time} left`,
};

/** The run history in the list of what this browser stores. */
export const STORED_RUNS = {
  label: "Largest runs",
  summary: (runs: number, size: string): string => `Run history: ${plural(runs, "run")}, about ${size}.`,
  more: (runs: number): string => `${plural(runs, "smaller run")}: see Runs.`,
  remove: "Delete",
  removeOf: (title: string): string => `Delete the run ${title}`,
  question: "The run is deleted with its adapter.",
  keep: "Keep",
};

/** Merged models in the list of what this browser stores. */
export const STORED_MERGED = {
  label: "Merged models",
  summary: (models: number, size: string): string => `, ${plural(models, "merged model")}, ${size}`,
  used: (when: string): string => `last used ${when};`,
  download: "download again",
  remove: "Remove",
  removeOf: (title: string): string => `Remove the merged model ${title}`,
  question: "What was downloaded of it stays.",
  keep: "Keep",
  expired: (models: number, size: string): string =>
    `${plural(models, "merged model")} (${size}) in this browser ${models === 1 ? "was" : "were"} not used for two ` +
    "weeks. Remove? What was downloaded stays.",
  removeThem: "Remove",
  keepThem: "Keep",
};
