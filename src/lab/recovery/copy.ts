/**
 * @file The words about unfinished runs and their snapshots. Clauses without a capital are put together in runText.ts.
 */
import { count, plural } from "../support/format.ts";

export const UNFINISHED = {
  region: "Unfinished runs",
  lineRegion: "Unfinished run",
  runsElsewhere: "Running in another tab",
  interrupted: (runs: number): string =>
    runs === 1 ? "A run was interrupted" : `${count(runs)} runs were interrupted`,
  elsewhere: (progress: string): string =>
    `Running in another tab, ${progress}. You can resume it here once that tab is closed.`,
  elsewhereLine: (progress: string): string => `is running in another tab, ${progress}`,
  more: (runs: number): string => `${count(runs)} more`,
  openSettings: "Open in Setup",
  gpuNotReady: "The GPU is not ready",
  chooseFirst: (names: readonly string[]): string => `Choose ${names.join(", ")} first`,
};

export const PROGRESS = {
  beforeFirstStep: "before the first step",
  step: (step: number): string => `step ${count(step)}`,
  stepOf: (step: number, total: number): string => `step ${count(step)} of ${count(total)}`,
  safeAdapterStep: (step: number): string => `step ${count(step)} of the safe adapter`,
  interrupted: "interrupted",
  failed: "failed",
  after: (progress: string): string => `after ${progress}`,
  today: (time: string): string => `today ${time}`,
};

export const RESUME = {
  resume: "Resume",
  resumeFrom: (step: number): string => `Resume from step ${count(step)}`,
  restart: "Restart",
};

/** What a run resumes from, and what that means. */
export const SNAPSHOT = {
  off: "Snapshots are off (save_steps 0), so it restarts from the beginning.",
  none: "No snapshot was saved yet, so it restarts from the beginning.",
  safeAdapter: (steps: number): string => `The snapshot holds ${plural(steps, "step")} of the safe adapter.`,
  beforeTraining: "The snapshot holds the evaluation before training.",
  atStep: (step: number): string =>
    `The snapshot was saved at step ${count(step)}. The result is the same as without the interruption.`,
  behind: (step: number): string =>
    `The snapshot was saved at step ${count(step)}; later steps are computed again. The result is the same as ` +
    "without the interruption.",
};

export const DISCARD = {
  label: "Discard",
  ariaLabel: "Discard the interrupted run",
  question: "Its snapshot is deleted, too.",
  yes: "Discard run",
  no: "Keep",
};

export const NEEDS = {
  intro: "Choose these inputs again to resume. They are checked against the ones the run started with.",
  selected: "selected",
  chooseFile: "Choose file",
  chooseFolder: "Choose folder",
  chooseAnother: "Choose another",
  folder: (name: string): string => `Folder ${name}`,
  addAdapter: "add this adapter again in Chat",
  tokenGiven: "The Hugging Face token is set.",
  tokenMissing:
    "The run started with a Hugging Face token. If its models need one, enter it again in Setup under Models.",
};

export const NOTICES = {
  deviceReturned: (lastStep: number, from: number | null): string =>
    `The GPU was lost${lastStep > 0 ? ` after step ${count(lastStep)}` : ""} and has been reopened. The run resumes ` +
    `automatically ${from === null || from === 0 ? "from the beginning" : `from step ${count(from)}`}; the result is ` +
    "the same as without the interruption.",
  resuming: (from: number): string =>
    `${from === 0 ? "Restarting from the beginning" : `Resuming from step ${count(from)}`} as soon as the models are ` +
    "back on the GPU.",
  notRecorded: (why: string): string =>
    `This run cannot be saved while it is in progress: ${why}. Training continues, but the run is lost if this tab ` +
    "closes.",
  noSnapshot: (why: string, then: string): string =>
    `Snapshots cannot be saved: ${why}. Training continues; if this tab closes, the run ${then}.`,
  thenResumesFrom: (step: number): string => `resumes from step ${count(step)}`,
  thenResumesEarlier: "resumes from an earlier snapshot",
  thenRestarts: "restarts from the beginning",
};

/** Reloading the page for a new version of its site, while a run is under way. */
export const RELOAD = {
  now: "Reload",
  pauseFirst: "Pause, save, reload and resume",
  states: { pausing: "Pausing and saving …", reloading: "Reloading …" },
  pauseText:
    "The run continues. It can be paused, saved and resumed after the reload; the result is the same as without it.",
  paused: "The run is paused and saved: it is offered again after the reload.",
  later: {
    other_version: "The run continues; reload when it has finished, since another version cannot resume it.",
    no_snapshots: "The run continues; reload when it has finished, since it has no current snapshot to resume from.",
    ending: "The run is about to end; reload when it has finished.",
    queue: "The table continues; reload when it has finished, or pause it.",
  },
  failed: (why: string): string => `The run could not be saved, and continues: ${why}.`,
};

/** Reasons why a browser's storage refused something: ends of a sentence. */
export const STORAGE = {
  full: "the browser’s storage for this site is full",
  unknown: "the browser gives no reason",
};

/** Snapshots in the list of what this browser stores. */
export const STORED = {
  label: "Snapshots of unfinished runs",
  current: "Snapshot of the current run",
  of: (title: string): string => `Snapshot: ${title}`,
  remove: "Remove",
  removeOf: (title: string): string => `Remove the snapshot of ${title}`,
  question: "The run can no longer be resumed.",
  keep: "Keep",
  elsewhere: "running in another tab",
  interrupted: (when: string): string => `interrupted ${when}`,
  summary: (runs: number, size: string): string => `, ${plural(runs, "run snapshot")}, ${size}`,
};

export const DAMAGED_SNAPSHOT = {
  what: (bytes: number, expected: number): string => `The snapshot has ${bytes} of ${expected} bytes`,
  where: "run snapshot",
  fix: "The snapshot is damaged: discard the run and start it again.",
};
