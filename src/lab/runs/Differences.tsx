/** @file In which settings the ticked runs differ; what they share is left out. */
import { useMemo, type JSX } from "react";
import { canonical } from "../../experiment/spec/canonical.ts";
import { MethodMark } from "../ui/MethodMark.tsx";
import { methodSettings, methodTitle } from "../run/labels.ts";
import { specDifferences, valueText } from "./specDiff.ts";
import type { StoredRun } from "./storedRun.ts";
import css from "./runs.module.css";

export function Differences({ runs }: { readonly runs: readonly StoredRun[] }): JSX.Element {
  const differences = useMemo(() => specDifferences(runs.map(({ spec }) => spec)), [runs]);
  return (
    <section className={css.overlay} aria-labelledby="runs-differences" data-testid="differences">
      <div className={css.overlayHead}>
        <h3 id="runs-differences">What the ticked runs differ in</h3>
      </div>
      {runs.length < 2 ? (
        <p className={css.caution}>Tick two runs in the table or on the plot.</p>
      ) : differences.length === 0 ? (
        <p className={css.caution}>Their settings are the same in every field.</p>
      ) : (
        <>
          <div className={css.scroll} tabIndex={0} role="region" aria-label="Differences of the settings">
            <table className={css.differences}>
              <thead>
                <tr>
                  <th scope="col">Setting</th>
                  {runs.map(({ runId, spec }) => (
                    <th key={runId} scope="col">
                      <span className={css.method}>
                        <MethodMark method={spec.method} />
                        {methodTitle(spec.method)}
                      </span>
                      <span className={css.sub}>
                        {methodSettings(spec.method)}, seed {spec.train.seed}
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
            {runs.length > 2 ? "Marked: other than in the first column. " : ""}Every field that is not listed is the
            same, defaults included.
          </p>
        </>
      )}
    </section>
  );
}
