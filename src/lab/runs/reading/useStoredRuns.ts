/** @file Parts of whole runs, read from the history while a component shows them. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { RunFailure } from "../../../experiment/run/events.ts";
import { useLab } from "../../shell/app/labContext.ts";
import { toFailure } from "../../support/failure.ts";
import type { StoredRun } from "../storedRun.ts";

export type Reading<T> =
  | { readonly kind: "read"; readonly part: T }
  | { readonly kind: "failed"; readonly failure: RunFailure };

/** By run id; a run that is still being read is absent. */
export type Readings<T> = ReadonlyMap<string, Reading<T>>;

/**
 * Reads runs as they are asked for. Nothing of a run stays in memory but its part.
 * @param part the same function at each call
 * @returns what has been read, and a function that tries those again that failed
 */
export function useStoredRuns<T>(
  runIds: readonly string[],
  part: (run: StoredRun) => T,
): readonly [Readings<T>, () => void] {
  const { history } = useLab();
  const [readings, setReadings] = useState<Readings<T>>(() => new Map());
  /** The last request for each run that is wanted. */
  const asked = useRef(new Map<string, object>());
  const read = useCallback(
    (runId: string): void => {
      const request = {};
      asked.current.set(runId, request);
      const settle = (reading: Reading<T>): void => {
        if (asked.current.get(runId) !== request) return;
        setReadings((before) => {
          const wanted = [...before].filter(([id]) => asked.current.has(id));
          return new Map([...wanted, [runId, reading]]);
        });
      };
      history.read(runId).then(
        (run) => settle({ kind: "read", part: part(run) }),
        (error: unknown) => settle({ kind: "failed", failure: toFailure(error, "run") }),
      );
    },
    [history, part],
  );
  const key = runIds.join("\n");
  useEffect(() => {
    const wanted = new Set(key === "" ? [] : key.split("\n"));
    for (const runId of asked.current.keys()) if (!wanted.has(runId)) asked.current.delete(runId);
    for (const runId of wanted) if (!asked.current.has(runId)) read(runId);
  }, [key, read]);
  useEffect(() => {
    const requests = asked.current;
    return () => requests.clear();
  }, []);
  const retry = (): void => {
    const failed = [...readings].filter(([, { kind }]) => kind === "failed").map(([runId]) => runId);
    setReadings(new Map([...readings].filter(([, { kind }]) => kind === "read")));
    for (const runId of failed) read(runId);
  };
  return [readings, retry];
}
