/** @file Errors of the page and its workers that no code has caught; repeated errors are counted. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../../experiment/run/events.ts";
import { isMissingFile } from "../../support/missingFile.ts";
import { toFailure } from "../../support/failure.ts";

export interface UncaughtError {
  readonly failure: RunFailure;
  /** How often the same error occurred. */
  readonly times: number;
}

export interface UncaughtErrorState {
  /** Oldest first. */
  readonly uncaughtErrors: readonly UncaughtError[];
  readonly report: (failure: RunFailure) => void;
  readonly dismiss: () => void;
}

/** Further errors count as the last one: an error in every frame must not fill the memory. */
const MOST = 5;

export function createUncaughtErrorStore(): StoreApi<UncaughtErrorState> {
  return createStore<UncaughtErrorState>()((set, get) => ({
    uncaughtErrors: [],
    report: (failure) => {
      const { uncaughtErrors } = get();
      const known = uncaughtErrors.findIndex(
        (one) => one.failure.what === failure.what && one.failure.where === failure.where,
      );
      const at = known >= 0 ? known : uncaughtErrors.length === MOST ? MOST - 1 : -1;
      set({
        uncaughtErrors:
          at < 0
            ? [...uncaughtErrors, { failure, times: 1 }]
            : uncaughtErrors.map((one, i) => (i === at ? { ...one, times: one.times + 1 } : one)),
      });
    },
    dismiss: () => set({ uncaughtErrors: [] }),
  }));
}

/** The uncaught errors of this page. */
export const uncaughtErrors = createUncaughtErrorStore();

/** Browsers report this when a layout takes one more frame; it is not an error. */
const HARMLESS = /^ResizeObserver loop/;

/** What was thrown, as a failure; null if it is not an error of the lab (an abort, a browser warning). */
export function uncaughtErrorOf(thrown: unknown, message: string, where: string): RunFailure | null {
  if (thrown instanceof DOMException && thrown.name === "AbortError") return null;
  if (HARMLESS.test(message)) return null;
  // The banner of siteFiles/ says what that means.
  if (isMissingFile(thrown)) return null;
  return toFailure(thrown ?? message, where);
}

type Target = Pick<typeof globalThis, "addEventListener">;

/** Reports uncaught errors. @param where names the page or worker in errors */
export function watchUncaughtErrors(target: Target, where: string, take: (failure: RunFailure) => void): void {
  const tell = (failure: RunFailure | null): void => {
    if (failure !== null) take(failure);
  };
  target.addEventListener("error", (event: ErrorEvent) => tell(uncaughtErrorOf(event.error, event.message, where)));
  target.addEventListener("unhandledrejection", (event: PromiseRejectionEvent) =>
    tell(uncaughtErrorOf(event.reason, "", where)),
  );
}
