/** @file Penalty or update norm per module over time: a heatmap, a table and CSV, or why there is nothing to show. */
import { Button } from "@mantine/core";
import { Suspense, useState, type JSX } from "react";
import { lazyPart } from "../../ui/lazyPart.tsx";
import type { ModuleRecord } from "../../../experiment/run/observations.ts";
import { bindMethod } from "../../../methods/registry.ts";
import type { ChartCursorStore } from "../../ui/chartCursor.ts";
import { DownloadButton } from "../../ui/DownloadButton.tsx";
import { saveFile } from "../../support/clipboard.ts";
import { significant } from "../../support/format.ts";
import { HEATMAP } from "../copy.ts";
import { methodTitle } from "../labels.ts";
import { isActive, type RunState } from "../runState.ts";
import { heatmapCsv, heatmapRows, spreadColumns } from "./heatmap.ts";
import tables from "../table.module.css";
import boxes from "../../ui/boxes.module.css";
import css from "./heatmap.module.css";

const Heatmap = lazyPart(() => import("./Heatmap.tsx"));

export interface ModulePanelProps {
  readonly run: Exclude<RunState, { kind: "idle" }>;
  readonly cursor: ChartCursorStore;
  readonly last: number;
}

export function ModulePanel({ run, cursor, last }: ModulePanelProps): JSX.Element {
  const { log } = run;
  const record = log.modules;
  const [tabled, setTabled] = useState(false);
  const { penaltyText } = bindMethod(log.spec.method);
  const quantity = record?.quantity ?? (penaltyText === null ? "update_norm" : "penalty");
  return (
    <section className={`${boxes.panel} ${css.panel}`} aria-labelledby="modules-title" data-testid="modules">
      <div className={css.head}>
        <h3 id="modules-title">
          {quantity === "penalty" ? HEATMAP.penalty : HEATMAP.updateNorm}
          <span className={css.unit}> {quantity === "penalty" ? penaltyText?.moduleUnit : HEATMAP.updateNormUnit}</span>
        </h3>
        {record !== undefined && (
          <div className={css.tools}>
            <Button size="compact-xs" variant="default" aria-expanded={tabled} onClick={() => setTabled(!tabled)}>
              {tabled ? HEATMAP.showHeatmap : HEATMAP.showTable}
            </Button>
            <DownloadButton
              compact
              onClick={() =>
                void heatmapCsv(record).then((text) =>
                  saveFile(`basin-modules-${log.runId.slice(0, 8)}.csv`, new Blob([text]), "text/csv"),
                )
              }
            >
              {HEATMAP.csv}
            </DownloadButton>
          </div>
        )}
      </div>
      {quantity === "update_norm" && <p className={css.note}>{HEATMAP.updateNormNote(methodTitle(log.spec.method))}</p>}
      {record === undefined ? (
        <p className={css.note} role="status">
          {whyNone(run)}
        </p>
      ) : tabled ? (
        <ModuleTable record={record} />
      ) : (
        <Suspense fallback={null}>
          <Heatmap record={record} cursor={cursor} last={last} />
        </Suspense>
      )}
    </section>
  );
}

function whyNone(run: Exclude<RunState, { kind: "idle" }>): string {
  const none = run.log.steps.length === 0;
  if (isActive(run)) return none ? HEATMAP.pending : HEATMAP.pendingMore;
  return none ? HEATMAP.noSteps : HEATMAP.olderVersion;
}

/** As many as fit the page; the CSV has all. */
const MAX_COLUMNS = 7;

function ModuleTable({ record }: { readonly record: ModuleRecord }): JSX.Element {
  const shown = spreadColumns(record, MAX_COLUMNS);
  return (
    <div className={`${tables.scroll} ${css.tableFrame}`} tabIndex={0} role="region" aria-labelledby="modules-title">
      <table className={tables.table}>
        <caption>
          {shown.length === record.columns.length
            ? HEATMAP.allSteps
            : HEATMAP.someSteps(shown.length, record.columns.length)}
        </caption>
        <thead>
          <tr>
            <th scope="col">{HEATMAP.module}</th>
            {shown.map((at) => (
              <th key={at} scope="col" className={tables.number}>
                {HEATMAP.step(record.columns[at]?.step)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {heatmapRows(record.paths).map(({ index, path }) => (
            <tr key={path}>
              <th scope="row" className={tables.path}>
                {path}
              </th>
              {shown.map((at) => (
                <td key={at} className={tables.number}>
                  {significant(record.columns[at]?.values[index] ?? NaN, 4)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
