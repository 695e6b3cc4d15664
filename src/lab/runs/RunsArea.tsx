/** @file Finished runs: what came out, side by side; curves laid over each other; adapter, link, settings, delete. */
import { ActionIcon, Checkbox, SegmentedControl, Tooltip } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { lazy, Suspense, useMemo, type JSX } from "react";
import { wilson } from "../../eval/interval.ts";
import type { Rate } from "../../experiment/events.ts";
import { useLab, useRuns, useSpec } from "../app/labContext.ts";
import { useView } from "../app/viewStore.ts";
import { adapterZip } from "../lab.ts";
import { DownloadIcon, LinkIcon, TrashIcon, UndoIcon } from "../parts/icons.tsx";
import parts from "../parts/parts.module.css";
import { dataTitle, methodColor, methodSettings, methodTitle } from "../run/labels.ts";
import { copyText, saveFile } from "../support/clipboard.ts";
import { count, duration, moment, percent, setting, significant } from "../support/format.ts";
import { MOST_SELECTED } from "./runsStore.ts";
import { CURVES, curveValue, type CurveName, type StoredRun } from "./storedRun.ts";
import css from "./runs.module.css";

const Chart = lazy(() => import("../parts/Chart.tsx"));

const CURVE_LABELS: Readonly<Record<CurveName, string>> = {
  ce: "Cross-entropy",
  penalty: "Penalty",
  learning_rate: "Learning rate",
  grad_norm: "Gradient norm",
  tokens_per_second: "Tokens/s",
};

/** Runs of one method share a colour and differ in their dash. */
const DASHES: readonly (readonly number[] | undefined)[] = [undefined, [7, 4], [2, 3], [10, 3, 2, 3], [14, 5], [4, 2]];

export default function RunsArea(): JSX.Element {
  const runs = useRuns((state) => state.runs);
  const archive = useRuns((state) => state.archive);
  if (runs.length === 0) {
    return (
      <section className={parts.empty}>
        <h2>No runs yet</h2>
        <p>{archive.kind === "loading" ? "Reading this browser’s storage …" : "Every run that ends is kept here, in this browser: its settings, curves, scores and adapter."}</p>
      </section>
    );
  }
  return (
    <section data-testid="runs-area">
      <div className={css.head}>
        <h2>Runs</h2>
        <p>{archive.kind === "unavailable" ? `Kept until this tab closes: ${archive.failure.what}.` : "Kept in this browser, on this machine."}</p>
      </div>
      <div className={css.scroll}>
        <table className={css.table}>
          <thead>
            <tr>
              <th scope="col">
                <span title="Shown on the chart below">Chart</span>
              </th>
              <th scope="col">Method</th>
              <th scope="col">Data</th>
              <th scope="col" className={css.num}>
                Harmful score
                <span className={css.sub}>after, was before</span>
              </th>
              <th scope="col" className={css.num}>
                Task accuracy
                <span className={css.sub}>after, was before</span>
              </th>
              <th scope="col" className={css.num}>
                Harmless answered
                <span className={css.sub}>after, was before</span>
              </th>
              <th scope="col" className={css.num}>
                Steps
              </th>
              <th scope="col">When and where</th>
              <th scope="col">
                <span className={css.sub}>Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <RunRow key={run.runId} run={run} />
            ))}
          </tbody>
        </table>
      </div>
      <p className={css.caution}>
        One run is one seed. The bars are 95 % Wilson intervals of the counts: they do not cover what another seed would change. Compare AsFT with plain L2 at the same lambda before crediting the
        direction.
      </p>
      <Overlay runs={runs} />
    </section>
  );
}

function RunRow({ run }: { readonly run: StoredRun }): JSX.Element {
  const lab = useLab();
  const selected = useRuns((state) => state.selected.has(run.runId));
  const full = useRuns((state) => state.selected.size >= MOST_SELECTED);
  const toggle = useRuns((state) => state.toggle);
  const remove = useRuns((state) => state.remove);
  const replace = useSpec((state) => state.replace);
  const show = useView((view) => view.show);
  const { spec, ending } = run;
  const title = `${methodTitle(spec.method)}, ${methodSettings(spec.method)}`;
  const { before, after } = scoresOf(run);
  const copyLink = async (): Promise<void> => {
    await copyText(lab.link(window.location.href, lab.codec.toDraft(spec)));
    notifications.show({ message: `Link to “${title}” copied.`, autoClose: 4000 });
  };
  return (
    <tr data-selected={selected} data-testid="run-row">
      <td>
        <Checkbox size="xs" checked={selected} disabled={!selected && full} onChange={() => toggle(run.runId)} aria-label={`Show the curve of ${title}`} />
      </td>
      <td>
        <span className={css.method}>
          <span className={css.swatch} style={{ borderColor: `var(${methodColor(spec.method)})` }} />
          {methodTitle(spec.method)}
        </span>
        <span className={css.sub}>{methodSettings(spec.method)}</span>
      </td>
      <td data-label="Data">
        <span>
          {dataTitle(spec)}
          <span className={css.sub}>
            r {spec.lora.r}, lr {setting(spec.train.learning_rate)}, seed {spec.train.seed}
          </span>
        </span>
      </td>
      <RateCell label="Harmful score" before={before?.harmful_score ?? null} after={after?.harmful_score ?? null} color="--unaligned" />
      <RateCell label="Task accuracy" before={before?.task_accuracy ?? null} after={after?.task_accuracy ?? null} color="--aligned" />
      <RateCell label="Harmless answered" before={before?.benign_compliance ?? null} after={after?.benign_compliance ?? null} color="--tuned" />
      <td className={css.num} data-label="Steps">
        <span>
          {count(run.steps.length)}
          <span className={css.sub}>{ending.kind === "failed" ? "failed" : ending.report.outcome === "stopped" ? "stopped" : duration(1000 * ending.report.wall_time_s)}</span>
        </span>
      </td>
      <td data-label="When and where">
        <span>
          {moment(run.endedAt)}
          <span className={css.sub}>{ending.kind === "finished" ? ending.report.device : ending.failure.what}</span>
        </span>
      </td>
      <td>
        <div className={css.actions}>
          <Action
            label={run.adapter === null ? "No adapter was kept" : "Download the adapter (zip)"}
            disabled={run.adapter === null}
            onClick={() => saveFile(`basin-adapter-${run.runId.slice(0, 8)}.zip`, adapterZip(run), "application/zip")}
          >
            <DownloadIcon />
          </Action>
          <Action label="Copy a link to these settings" onClick={() => void copyLink()}>
            <LinkIcon />
          </Action>
          <Action
            label="Take these settings into Setup"
            onClick={() => {
              replace(lab.codec.toDraft(spec), { kind: "run", runId: run.runId });
              show("setup");
            }}
          >
            <UndoIcon />
          </Action>
          <Action
            label="Delete this run"
            onClick={() => {
              if (window.confirm(`Delete the run “${title}” of ${moment(run.endedAt)} with its adapter? This cannot be undone.`)) void remove(run.runId);
            }}
          >
            <TrashIcon />
          </Action>
        </div>
      </td>
    </tr>
  );
}

function Action({ label, onClick, disabled = false, children }: { readonly label: string; readonly onClick: () => void; readonly disabled?: boolean; readonly children: JSX.Element }): JSX.Element {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size={28} aria-label={label} onClick={onClick} disabled={disabled}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

function RateCell({ label, before, after, color }: { readonly label: string; readonly before: Rate | null; readonly after: Rate | null; readonly color: string }): JSX.Element {
  const bounds = after === null ? null : wilson(after.hits, after.count);
  return (
    <td className={css.num} data-label={label}>
      {after === null ? (
        "\u2013"
      ) : (
        <span>
          <span className={css.rate}>{percent(after.percent)}</span>
          <span className={css.mini} aria-hidden="true">
            <span className={css.miniAxis} />
            {bounds !== null && <span className={css.miniInterval} style={{ left: `${100 * bounds.low}%`, width: `${100 * (bounds.high - bounds.low)}%`, background: `var(${color})` }} />}
            {before !== null && <span className={css.miniPoint} style={{ left: `${before.percent}%`, border: `2px solid var(${color})`, background: "var(--panel)" }} />}
            <span className={css.miniPoint} style={{ left: `${after.percent}%`, background: `var(${color})` }} />
          </span>
          <span className={css.sub}>
            {after.hits}/{after.count}
            {before !== null && `, was ${before.hits}/${before.count}`}
          </span>
        </span>
      )}
    </td>
  );
}

function scoresOf(run: StoredRun): { readonly before: StoredRun["evaluations"][number]["scores"] | null; readonly after: StoredRun["evaluations"][number]["scores"] | null } {
  if (run.ending.kind === "finished") return run.ending.report;
  return { before: run.evaluations.find(({ when }) => when === "before")?.scores ?? null, after: run.evaluations.findLast(({ when }) => when === "during")?.scores ?? null };
}

function Overlay({ runs }: { readonly runs: readonly StoredRun[] }): JSX.Element {
  const selected = useRuns((state) => state.selected);
  const curve = useRuns((state) => state.curve);
  const show = useRuns((state) => state.show);
  const chosen = useMemo(() => runs.filter(({ runId }) => selected.has(runId)), [runs, selected]);
  const { x, series } = useMemo(() => overlay(chosen, curve), [chosen, curve]);
  return (
    <div className={css.overlay}>
      <div className={css.overlayHead}>
        <h3>Curves of the runs that are ticked</h3>
        <SegmentedControl size="xs" value={curve} onChange={(next) => show(CURVES.find((name) => name === next) ?? "ce")} data={CURVES.map((name) => ({ value: name, label: CURVE_LABELS[name] }))} aria-label="Curve" />
      </div>
      {chosen.length === 0 ? (
        <p className={css.caution}>Tick a run in the table, up to {MOST_SELECTED}.</p>
      ) : (
        <Suspense fallback={null}>
          <Chart title={CURVE_LABELS[curve]} x={x} series={series} format={significant} height={260} group="runs" xMax={x.at(-1) ?? 1} />
        </Suspense>
      )}
    </div>
  );
}

/** One x axis for all: the union of their steps. */
function overlay(runs: readonly StoredRun[], curve: CurveName): { readonly x: number[]; readonly series: { label: string; color: string; values: (number | null)[]; dash?: readonly number[] }[] } {
  const x = [...new Set(runs.flatMap(({ steps }) => steps.map(({ step }) => step)))].sort((a, b) => a - b);
  const seen = new Map<string, number>();
  const series = runs.map((run) => {
    const color = methodColor(run.spec.method);
    const earlier = seen.get(color) ?? 0;
    seen.set(color, earlier + 1);
    const values = new Map(run.steps.map((step) => [step.step, curveValue(step, curve)]));
    const dash = DASHES[earlier % DASHES.length];
    return {
      label: `${methodTitle(run.spec.method)} ${methodSettings(run.spec.method)}, seed ${run.spec.train.seed}`,
      color,
      values: x.map((step) => values.get(step) ?? null),
      ...(dash ? { dash } : {}),
    };
  });
  return { x, series };
}
