/** @file The words about whole runs that are being read from this browser's storage. */
import { count } from "../../support/format.ts";

/** Steps, answers and adapters are read when a run is opened. */
export const READING = {
  run: "Reading the run …",
  runs: (runs: number): string => (runs === 1 ? "Reading a run …" : `Reading ${count(runs)} runs …`),
  failed: (title: string, why: string): string => `${title} cannot be shown: ${why}.`,
  aRun: "The run",
  again: "Try again",
  gone: {
    what: "The run is no longer stored in this browser",
    where: "saved runs",
    fix: "It was deleted, perhaps in another tab.",
  },
  noAdapter: {
    what: "This run has no adapter",
    where: "saved runs",
    fix: "It failed before its first step. Run it again.",
  },
};
