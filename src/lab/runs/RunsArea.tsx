/** @file Runs that have ended: what came out, side by side; curves laid over each other; answers. */
import { lazy, Suspense, useState, type JSX } from "react";
import { useRuns } from "../app/labContext.ts";
import parts from "../parts/parts.module.css";
import { methodSettings, methodTitle } from "../run/labels.ts";
import { Overlay } from "./Overlay.tsx";
import { RunRow } from "./RunRow.tsx";
import { RunsExport } from "../share/RunsExport.tsx";
import css from "./runs.module.css";

const AnswersSection = lazy(() => import("../answers/AnswersSection.tsx"));

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
        <RunsExport />
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
