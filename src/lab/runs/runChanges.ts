/** @file What changed since the run before: the settings in which two runs differ, in a line. Pure. */
import { CHANGES } from "./copy.ts";
import { runName } from "./runName.ts";
import { specDifferences, valueText } from "./specDiff.ts";
import type { StoredRun } from "./storedRun.ts";

/** Settings that are named; of further ones only how many. */
const MAX_NAMED = 3;
/** Longer values are cut. */
const MAX_VALUE_LENGTH = 28;

type Compared = Pick<StoredRun, "runId" | "spec">;

/** The run before each, by run id; the oldest has none. @param runs newest first */
export function runsBefore<Run extends Pick<StoredRun, "runId">>(runs: readonly Run[]): ReadonlyMap<string, Run> {
  return new Map(
    runs.flatMap(({ runId }, i): [string, Run][] => {
      const before = runs[i + 1];
      return before === undefined ? [] : [[runId, before]];
    }),
  );
}

/** "Since quiet otter: Lambda 1 → 10, Seed 0 → 1"; a run's name is no setting. */
export function changesText(run: Compared, before: Compared): string {
  const name = runName(before.runId);
  const changes = specDifferences([before.spec, run.spec]).filter(({ path }) => path !== "name");
  if (changes.length === 0) return CHANGES.none(name);
  const named = changes
    .slice(0, MAX_NAMED)
    .map(({ title, values: [from, to] }) => CHANGES.change(title, shortText(from), shortText(to)));
  return CHANGES.since(name, named, changes.length - named.length);
}

function shortText(value: unknown): string {
  const text = valueText(value);
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH - 1)}…`;
}
