/**
 * @file Results that came with a link. They stay in the address while the settings are those of the link, and are
 * compared with runs of these settings.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import { canonical } from "../../../experiment/spec/canonical.ts";
import { compareRuns, type Reproduction } from "../../../experiment/share/reproduction.ts";
import { isOwnRun, linkWithResults, readResults, type SharedResults } from "../../../experiment/share/results.ts";
import type { RunReport } from "../../../experiment/run/events.ts";
import type { Spec } from "../../../experiment/spec/spec.ts";
import type { RunState } from "../../run/runState.ts";
import { RECEIVED } from "../copy.ts";
import type { RunSummary } from "../runSummary.ts";
import type { StoredRun } from "../storedRun.ts";

export type Received =
  | { readonly kind: "none" }
  | {
      readonly kind: "received";
      readonly spec: Spec /** `spec` as a text that is equal for equal specs. */;
      readonly key: string;
      readonly results: SharedResults;
    }
  /** The link had results that cannot be used; its settings were opened. */
  | { readonly kind: "unreadable"; readonly why: string };

export interface ReceivedState {
  readonly received: Received;
  /** A link was opened; `spec` is what it holds. */
  readonly open: (fragment: string, spec: Spec) => void;
  readonly dismiss: () => void;
}

export type ReceivedStore = StoreApi<ReceivedState>;

export function createReceivedStore(): ReceivedStore {
  return createStore<ReceivedState>()((set) => ({
    received: { kind: "none" },
    open: (fragment, spec) => {
      const read = readResults(fragment);
      set({
        received: read.kind === "read" ? { kind: "received", spec, key: canonical(spec), results: read.results } : read,
      });
    },
    dismiss: () => set({ received: { kind: "none" } }),
  }));
}

/** `link` of `spec` with the results that came for it, if any did. */
export function linkWithReceived(received: Received, link: string, spec: Spec): string {
  return received.kind === "received" && received.key === canonical(spec)
    ? linkWithResults(link, received.results)
    : link;
}

/** What there is to compare the sender's results with. */
export type Repetition =
  | { readonly kind: "none" }
  /** The run on this page, which is the one that the results were taken from. */
  | { readonly kind: "own" }
  | { readonly kind: "running" }
  /** A run of the history is compared once its steps have been read. */
  | { readonly kind: "stored"; readonly runId: string }
  /** It has ended before its time. */
  | { readonly kind: "incomplete"; readonly why: string }
  | { readonly kind: "compared"; readonly runId: string; readonly device: string; readonly reproduction: Reproduction };

/** The runs of the history that are of the settings of a link, newest first. */
export function runsOfLink(
  { key }: Extract<Received, { kind: "received" }>,
  history: readonly RunSummary[],
): readonly RunSummary[] {
  return history.filter(({ spec }) => canonical(spec) === key);
}

/**
 * The run on screen if it is of these settings, else the newest finished one of the history. @param repeated see
 * `runsOfLink`
 */
export function repetitionOf(
  { key, results }: Extract<Received, { kind: "received" }>,
  run: RunState,
  repeated: readonly RunSummary[],
): Repetition {
  if (run.kind !== "idle" && canonical(run.log.spec) === key) {
    if (isOwnRun(results, run.log.runId)) return { kind: "own" };
    if (run.kind === "failed") return { kind: "incomplete", why: RECEIVED.runFailed };
    if (run.kind !== "finished") return { kind: "running" };
    if (run.report.outcome === "stopped") return { kind: "incomplete", why: RECEIVED.runStopped };
    return comparedWith(results, { runId: run.log.runId, steps: run.log.steps.slice(), report: run.report });
  }
  const stored = repeated.find(
    ({ runId, ending }) =>
      ending.kind === "finished" && ending.report.outcome === "finished" && !isOwnRun(results, runId),
  );
  if (stored !== undefined) return { kind: "stored", runId: stored.runId };
  return repeated.some(({ runId }) => isOwnRun(results, runId)) ? { kind: "own" } : { kind: "none" };
}

/** A finished run of the same settings beside the sender's results. */
export function comparedWith(
  results: SharedResults,
  { runId, steps, report }: Pick<StoredRun, "runId" | "steps"> & { readonly report: RunReport },
): Extract<Repetition, { kind: "compared" }> {
  return { kind: "compared", runId, device: report.device, reproduction: compareRuns(results, { steps, report }) };
}

/** `comparedWith` of a run of the history. */
export function comparedWithStored(
  results: SharedResults,
  { runId, steps, ending }: Pick<StoredRun, "runId" | "steps" | "ending">,
): Repetition {
  return ending.kind === "finished"
    ? comparedWith(results, { runId, steps, report: ending.report })
    : { kind: "incomplete", why: RECEIVED.runFailed };
}
