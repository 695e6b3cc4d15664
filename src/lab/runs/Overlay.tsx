/** @file Curves of the selected runs on one chart. */
import { SegmentedControl } from "@mantine/core";
import { Suspense, useMemo, type JSX } from "react";
import { lazyPart } from "../ui/lazyPart.tsx";
import { useRuns } from "../shell/app/labContext.ts";
import { methodColor, methodSettings, methodTitle } from "../run/labels.ts";
import { significant } from "../support/format.ts";
import { OVERLAY } from "./copy.ts";
import { MAX_SELECTED } from "./runsStore.ts";
import type { RunSummary } from "./runSummary.ts";
import { ReadingNotice } from "./reading/ReadingNotice.tsx";
import { curveValue, type StoredRun } from "./storedRun.ts";
import { useStoredRuns } from "./reading/useStoredRuns.ts";
import { CURVES, type CurveName } from "./columns.ts";
import boxes from "../ui/boxes.module.css";
import css from "./runs.module.css";

const Chart = lazyPart(() => import("../ui/Chart.tsx"));

/** One per curve: runs of one method share a colour, and colour alone must not carry meaning. */
const DASHES: readonly (readonly number[] | undefined)[] = [undefined, [7, 4], [2, 3], [10, 3, 2, 3], [14, 5], [4, 2]];

export function Overlay({ runs: chosen }: { readonly runs: readonly RunSummary[] }): JSX.Element {
  const curve = useRuns((state) => state.curve);
  const show = useRuns((state) => state.setCurve);
  const runIds = useMemo(() => chosen.map(({ runId }) => runId), [chosen]);
  const [readings, retry] = useStoredRuns(runIds, curvesOf);
  const { x, series } = useMemo(() => {
    const read = chosen.flatMap((run) => {
      const reading = readings.get(run.runId);
      return reading?.kind === "read" ? [reading.part] : [];
    });
    return overlay(read, curve);
  }, [chosen, readings, curve]);
  return (
    <div className={css.overlay}>
      <div className={`${boxes.sectionHead} ${css.overlayHead}`}>
        <h3>{OVERLAY.title}</h3>
        <SegmentedControl
          size="xs"
          value={curve}
          onChange={(next) => show(CURVES.find((name) => name === next) ?? "ce")}
          data={CURVES.map((name) => ({ value: name, label: OVERLAY.curves[name] }))}
          aria-label={OVERLAY.curve}
        />
      </div>
      {chosen.length === 0 ? (
        <p className={css.caution}>{OVERLAY.empty(MAX_SELECTED)}</p>
      ) : (
        <>
          <ReadingNotice runs={chosen} readings={readings} onRetry={retry} />
          {series.length > 0 && (
            <Suspense fallback={null}>
              <Chart
                title={OVERLAY.curves[curve]}
                x={x}
                series={series}
                y={{ format: significant }}
                height={260}
                xMax={x.at(-1) ?? 1}
              />
            </Suspense>
          )}
        </>
      )}
    </div>
  );
}

type RunCurves = Pick<StoredRun, "runId" | "spec" | "startedAt" | "steps">;

function curvesOf({ runId, spec, startedAt, steps }: StoredRun): RunCurves {
  return { runId, spec, startedAt, steps };
}

/** One x axis for all: the union of their steps. */
function overlay(
  runs: readonly RunCurves[],
  curve: CurveName,
): {
  readonly x: number[];
  readonly series: { label: string; color: string; values: (number | null)[]; dash?: readonly number[] }[];
} {
  const x = [...new Set(runs.flatMap(({ steps }) => steps.map(({ step }) => step)))].sort((a, b) => a - b);
  // By start time, so that a curve keeps its dash when the table is sorted differently.
  const series = [...runs]
    .sort((a, b) => a.startedAt - b.startedAt)
    .map((run, index) => {
      const color = methodColor(run.spec.method);
      const values = new Map(run.steps.map((step) => [step.step, curveValue(step, curve)]));
      const dash = DASHES[index % DASHES.length];
      return {
        label: OVERLAY.series(methodTitle(run.spec.method), methodSettings(run.spec.method), run.spec.train.seed),
        color,
        values: x.map((step) => values.get(step) ?? null),
        ...(dash ? { dash } : {}),
      };
    });
  return { x, series };
}
