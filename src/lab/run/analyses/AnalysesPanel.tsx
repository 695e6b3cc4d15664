/**
 * @file The analyses that a finished run's adapter allows: each is described, computed on request, drawn and exported.
 */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import type { Analysis, AnalysisResult } from "../../../analysis/analysis.ts";
import { ANALYSES } from "../../../analysis/list.ts";
import type { AdapterFiles } from "../../../weights/adapterFile.ts";
import { useLab } from "../../shell/app/labContext.ts";
import { saveFile } from "../../support/clipboard.ts";
import { FailurePanel } from "../../ui/FailurePanel.tsx";
import { DownloadIcon } from "../../ui/icons.tsx";
import { useRequest } from "../../ui/useRequest.ts";
import run from "../run.module.css";
import type { RunLog } from "../runLog.ts";
import { ANALYSES_COPY } from "./copy.ts";
import css from "./analyses.module.css";
import { ResultView } from "./ResultView.tsx";

export default function AnalysesPanel({ log }: { readonly log: RunLog }): JSX.Element | null {
  const { adapter } = log;
  if (adapter === null) return null;
  return (
    <section data-testid="analyses">
      <h3 className={run.factsTitle}>{ANALYSES_COPY.title}</h3>
      {ANALYSES.map((analysis) => (
        <AnalysisItem key={analysis.name} analysis={analysis} log={log} adapter={adapter} />
      ))}
    </section>
  );
}

interface ItemProps {
  readonly analysis: Analysis;
  readonly log: RunLog;
  readonly adapter: AdapterFiles;
}

function AnalysisItem({ analysis, log, adapter }: ItemProps): JSX.Element {
  const { name, title, question } = analysis;
  const lab = useLab();
  const { aligned, unaligned } = log.spec.model;
  const { state, send } = useRequest(
    () => lab.analyse({ name, adapter, aligned, ...(unaligned === null ? {} : { unaligned }) }),
    title,
  );
  return (
    <article className={css.item} data-testid={`analysis-${name}`}>
      <div className={css.head}>
        <div>
          <h4 className={css.title}>{title}</h4>
          <p className={css.question}>{question}</p>
        </div>
        <Button variant="default" size="xs" loading={state.kind === "pending"} onClick={() => void send()}>
          {state.kind === "done" ? ANALYSES_COPY.again : ANALYSES_COPY.compute}
        </Button>
      </div>
      <About analysis={analysis} />
      {state.kind === "failed" && (
        <FailurePanel
          title={ANALYSES_COPY.failed}
          failure={state.failure}
          details={{ analysis: name, spec: log.spec }}
        />
      )}
      {state.kind === "done" && (
        <>
          <ResultView result={state.result} />
          <Exports name={`basin-${name}-${log.runId.slice(0, 8)}`} result={state.result} />
        </>
      )}
    </article>
  );
}

function About({ analysis: { about, cautions, citation } }: { readonly analysis: Analysis }): JSX.Element {
  return (
    <details className={css.about}>
      <summary>{ANALYSES_COPY.about}</summary>
      <p>{about}</p>
      {cautions.length > 0 && (
        <ul>
          {cautions.map((caution) => (
            <li key={caution}>{caution}</li>
          ))}
        </ul>
      )}
      {citation !== null && (
        <p>
          <a href={citation.url} target="_blank" rel="noreferrer">
            {citation.text}
          </a>
        </p>
      )}
    </details>
  );
}

function Exports({ name, result }: { readonly name: string; readonly result: AnalysisResult }): JSX.Element {
  const saveCsv = async (): Promise<void> => {
    const { tableCsv } = await import("../../../experiment/analyse/tableCsv.ts");
    for (const table of result.tables) saveFile(`${name}-${table.id}.csv`, new Blob([tableCsv(table)]), "text/csv");
  };
  const saveJson = (): void =>
    saveFile(`${name}.json`, new Blob([JSON.stringify(result, null, 2)]), "application/json");
  return (
    <div className={css.exports}>
      <Button size="compact-xs" variant="default" leftSection={<DownloadIcon />} onClick={() => void saveCsv()}>
        {ANALYSES_COPY.csv}
      </Button>
      <Button size="compact-xs" variant="default" leftSection={<DownloadIcon />} onClick={saveJson}>
        {ANALYSES_COPY.json}
      </Button>
    </div>
  );
}
