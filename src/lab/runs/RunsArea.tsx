/** @file Finished runs: what came out, side by side; curves laid over each other; adapter, link, settings, delete. */
import { ActionIcon, Checkbox, SegmentedControl, Tooltip } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { lazy, Suspense, useMemo, useState, type JSX } from "react";
import { rateBounds } from "../../eval/scores.ts";
import type { Perplexity, Rate, Scores } from "../../experiment/events.ts";
import { useLab, useRuns, useSpec } from "../app/labContext.ts";
import { overruled } from "../answers/answerList.ts";
import { useView } from "../app/viewStore.ts";
import { adapterZip } from "../lab.ts";
import { ChatIcon, DownloadIcon, LinkIcon, TrashIcon, UndoIcon } from "../parts/icons.tsx";
import parts from "../parts/parts.module.css";
import { dataTitle, methodColor, methodSettings, methodTitle } from "../run/labels.ts";
import { scoresOf, type Score } from "../run/scoreList.ts";
import { copyText, saveFile } from "../support/clipboard.ts";
import { count, duration, moment, percent, perplexity, setting, significant } from "../support/format.ts";
import { MOST_SELECTED } from "./runsStore.ts";
import { CURVES, curveValue, type CurveName, type StoredRun } from "./storedRun.ts";
import css from "./runs.module.css";

const AnswersSection = lazy(() => import("../answers/AnswersSection.tsx"));
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
  const [opened, open] = useState<string | null>(null);
  const shown = runs.find(({ runId }) => runId === opened);
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
                Task
                <span className={css.sub}>accuracy or perplexity</span>
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
              <RunRow key={run.runId} run={run} opened={run.runId === opened} onAnswers={() => open(run.runId === opened ? null : run.runId)} />
            ))}
          </tbody>
        </table>
      </div>
      <p className={css.caution}>
        One run is one seed. The bars and ranges are 95 % intervals (shares: Wilson; perplexity: bootstrap over rows): they do not cover what another seed would change. Compare AsFT with plain L2 at the same lambda before crediting the
        direction.
      </p>
      {shown !== undefined && (
        <div className={css.overlay} data-testid="run-answers">
          <div className={css.overlayHead}>
            <h3>
              {methodTitle(shown.spec.method)}, {methodSettings(shown.spec.method)}, seed {shown.spec.train.seed}
            </h3>
          </div>
          <Suspense fallback={null}>
            <AnswersSection runId={shown.runId} />
          </Suspense>
        </div>
      )}
      <Overlay runs={runs} />
    </section>
  );
}

function RunRow({ run, opened, onAnswers }: { readonly run: StoredRun; readonly opened: boolean; readonly onAnswers: () => void }): JSX.Element {
  const lab = useLab();
  const selected = useRuns((state) => state.selected.has(run.runId));
  const full = useRuns((state) => state.selected.size >= MOST_SELECTED);
  const toggle = useRuns((state) => state.toggle);
  const remove = useRuns((state) => state.remove);
  const replace = useSpec((state) => state.replace);
  const show = useView((view) => view.show);
  const { spec, ending } = run;
  const title = `${methodTitle(spec.method)}, ${methodSettings(spec.method)}`;
  const { before, after } = endsOf(run);
  const [harmful, task, benign] = scoresOf(spec, run.evaluations);
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
      <td data-label="Data" className={css.data}>
        <span>
          {dataTitle(spec)}
          <span className={css.sub}>
            r {spec.lora.r}, lr {setting(spec.train.learning_rate)}, seed {spec.train.seed}
          </span>
        </span>
      </td>
      <RateCell label="Harmful score" before={before?.harmful_score ?? null} after={after?.harmful_score ?? null} color="--unaligned" absent={harmful?.absent ?? null} overruled={overruled(run.answers?.find(({ when }) => when === "after"), run.overrides ?? {})} />
      <TaskCell score={task} before={before} after={after} />
      <RateCell label="Harmless answered" before={before?.benign_compliance ?? null} after={after?.benign_compliance ?? null} color="--tuned" absent={benign?.absent ?? null} />
      <td className={css.num} data-label="Steps">
        <span>
          {count(run.steps.length)}
          <span className={css.sub}>{ending.kind === "failed" ? "failed" : ending.report.outcome === "stopped" ? "stopped" : duration(1000 * ending.report.wall_time_s)}</span>
        </span>
      </td>
      <td data-label="When and where">
        <span>
          {moment(run.endedAt)}
          {ending.kind === "finished" ? (
            <span className={`${css.sub} ${css.device}`} title={ending.report.device}>
              {ending.report.device}
            </span>
          ) : (
            <span className={css.sub}>{ending.failure.what}</span>
          )}
        </span>
      </td>
      <td>
        <div className={css.actions}>
          <Action label={(run.answers ?? []).length === 0 ? "No answers were kept" : opened ? "Close its answers" : "Look at its answers"} disabled={(run.answers ?? []).length === 0} onClick={onAnswers}>
            <ChatIcon />
          </Action>
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

interface CellProps<Figure> {
  readonly label: string;
  readonly before: Figure | null;
  readonly after: Figure | null;
}

function RateCell({ label, before, after, color, absent, overruled: own = null }: CellProps<Rate> & { readonly color: string; readonly absent: string | null; readonly overruled?: ReturnType<typeof overruled> }): JSX.Element {
  const bounds = after === null ? null : rateBounds(after);
  return (
    <td className={css.num} data-label={label}>
      {after === null ? (
        <Missing why={absent} />
      ) : (
        <span>
          <span className={css.rate}>{percent(after.percent)}</span>
          <span className={css.mini} aria-hidden="true">
            <span className={css.miniAxis} />
            {bounds !== null && <span className={css.miniInterval} style={{ left: `${bounds.low}%`, width: `${bounds.high - bounds.low}%`, background: `var(${color})` }} />}
            {before !== null && <span className={css.miniPoint} style={{ left: `${before.percent}%`, border: `2px solid var(${color})`, background: "var(--panel)" }} />}
            <span className={css.miniPoint} style={{ left: `${after.percent}%`, background: `var(${color})` }} />
          </span>
          <span className={css.sub}>
            {bounds !== null && `${Math.round(bounds.low)} to ${Math.round(bounds.high)}; `}
            {after.hits}/{after.count}
          </span>
          {before !== null && (
            <span className={css.sub}>
              was {before.hits}/{before.count}
            </span>
          )}
          {own !== null && (
            <span className={css.sub}>
              with {own.overrides} {own.overrides === 1 ? "override" : "overrides"} {percent(own.rate.percent)}
            </span>
          )}
        </span>
      )}
    </td>
  );
}

/** Lower is better, and said so: it stands in a column of shares. */
function PerplexityCell({ label, before, after }: CellProps<Perplexity>): JSX.Element {
  return (
    <td className={css.num} data-label={label}>
      {after === null ? (
        <Missing why={null} />
      ) : (
        <span>
          <span className={css.rate}>{perplexity(after.perplexity)}</span>
          <span className={css.sub}>perplexity, lower is better</span>
          <span className={css.sub}>
            {after.ci95 !== null && `${perplexity(after.ci95.low)} to ${perplexity(after.ci95.high)}; `}
            {count(after.tokens)} tokens
          </span>
          {before !== null && <span className={css.sub}>was {perplexity(before.perplexity)}</span>}
        </span>
      )}
    </td>
  );
}

function Missing({ why }: { readonly why: string | null }): JSX.Element {
  return (
    <span>
      {"\u2013"}
      <span className={css.sub}>{why ?? "not measured"}</span>
    </span>
  );
}

function TaskCell({ score, before, after }: { readonly score: Score | undefined; readonly before: Scores | null; readonly after: Scores | null }): JSX.Element {
  return score?.kind === "perplexity" ? (
    <PerplexityCell label="Task" before={before?.perplexity ?? null} after={after?.perplexity ?? null} />
  ) : (
    <RateCell label="Task" before={before?.task_accuracy ?? null} after={after?.task_accuracy ?? null} color="--aligned" absent={score?.absent ?? null} />
  );
}

function endsOf(run: StoredRun): { readonly before: StoredRun["evaluations"][number]["scores"] | null; readonly after: StoredRun["evaluations"][number]["scores"] | null } {
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
