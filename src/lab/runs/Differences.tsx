/** @file The settings in which the selected runs differ. */
import { useMemo, type JSX } from "react";
import { canonical } from "../../experiment/spec/canonical.ts";
import { MethodMark } from "../ui/MethodMark.tsx";
import { methodSettings, methodTitle } from "../run/labels.ts";
import { DIFFERENCES } from "./copy.ts";
import { specDifferences, valueText } from "./specDiff.ts";
import type { RunSummary } from "./runSummary.ts";
import boxes from "../ui/boxes.module.css";
import css from "./runs.module.css";

export function Differences({ runs }: { readonly runs: readonly RunSummary[] }): JSX.Element {
  const differences = useMemo(() => specDifferences(runs.map(({ spec }) => spec)), [runs]);
  return (
    <section className={css.overlay} aria-labelledby="runs-differences" data-testid="differences">
      <div className={`${boxes.sectionHead} ${css.overlayHead}`}>
        <h3 id="runs-differences">{DIFFERENCES.title}</h3>
      </div>
      {runs.length < 2 ? (
        <p className={css.caution}>{DIFFERENCES.empty}</p>
      ) : differences.length === 0 ? (
        <p className={css.caution}>{DIFFERENCES.same}</p>
      ) : (
        <>
          <div className={css.scroll} tabIndex={0} role="region" aria-label={DIFFERENCES.region}>
            <table className={css.differences}>
              <thead>
                <tr>
                  <th scope="col">{DIFFERENCES.setting}</th>
                  {runs.map(({ runId, spec }) => (
                    <th key={runId} scope="col">
                      <span className={css.method}>
                        <MethodMark method={spec.method} />
                        {methodTitle(spec.method)}
                      </span>
                      <span className={css.sub}>
                        {DIFFERENCES.runSettings(methodSettings(spec.method), spec.train.seed)}
                      </span>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {differences.map(({ path, title, values }) => (
                  <tr key={path}>
                    <th scope="row">
                      {title}
                      <span className={css.path}>{path}</span>
                    </th>
                    {values.map((value, i) => (
                      <td key={runs[i]?.runId} data-other={canonical(value ?? null) !== canonical(values[0] ?? null)}>
                        {valueText(value)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p className={css.caution}>
            {runs.length > 2 && DIFFERENCES.highlighted}
            {DIFFERENCES.others}
          </p>
        </>
      )}
    </section>
  );
}
