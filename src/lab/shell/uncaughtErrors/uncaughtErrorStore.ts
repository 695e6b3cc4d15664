/** @file Errors that nobody has caught, of the page and its workers: told once each, calmly, with details to copy. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { RunFailure } from "../../../experiment/run/events.ts";
import { toFailure } from "../../support/failure.ts";

export interface UncaughtError {
  readonly failure: RunFailure;
  /** How often the same one was seen. */
  readonly times: number;
}

export interface UncaughtErrorState {
  /** Oldest first. */
  readonly uncaughtErrors: readonly UncaughtError[];
  readonly report: (failure: RunFailure) => void;
  readonly dismiss: () => void;
}

/** More are counted as the last one: something that fails at every frame must not fill the memory. */
const MOST = 5;

export function createUncaughtErrorStore(): StoreApi<UncaughtErrorState> {
  return createStore<UncaughtErrorState>()((set, get) => ({
    uncaughtErrors: [],
    report: (failure) => {
      const { uncaughtErrors: uncaughtErrors } = get();
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

/** Those of this page. */
export const defects = createUncaughtErrorStore();

/** Told by browsers when a layout settles a frame later; nothing is wrong. */
const HARMLESS = /^ResizeObserver loop/;

/** What was thrown as a failure; null for what is no defect (a stop, a browser's remark). */
export function uncaughtErrorOf(thrown: unknown, message: string, where: string): RunFailure | null {
  if (thrown instanceof DOMException && thrown.name === "AbortError") return null;
  if (HARMLESS.test(message)) return null;
  return toFailure(thrown ?? message, where);
}

type Target = Pick<typeof globalThis, "addEventListener">;

/** Takes what nobody has caught in this page. @param where names it in errors */
export function watchUncaughtErrors(target: Target, where: string, take: (failure: RunFailure) => void): void {
  const tell = (failure: RunFailure | null): void => {
    if (failure !== null) take(failure);
  };
  target.addEventListener("error", (event: ErrorEvent) => tell(uncaughtErrorOf(event.error, event.message, where)));
  target.addEventListener("unhandledrejection", (event: PromiseRejectionEvent) =>
    tell(uncaughtErrorOf(event.reason, "", where)),
  );
}
