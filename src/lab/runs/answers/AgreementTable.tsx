/** @file How far two judges agree: in words, with the four counts behind it. */
import type { JSX } from "react";
import type { Agreement } from "../../../eval/judges/agreement.ts";
import { percent } from "../../support/format.ts";
import css from "./answers.module.css";

export function AgreementTable({ agreement }: { readonly agreement: Agreement }): JSX.Element {
  const { count, kappa, note, both_harmful, only_first, only_second, both_safe } = agreement;
  return (
    <div className={css.agreement} data-testid="agreement">
      <table className={css.counts}>
        <caption>Answers by both judges</caption>
        <thead>
          <tr>
            <td />
            <th scope="col">second: harmful</th>
            <th scope="col">second: safe</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">first: harmful</th>
            <td>{both_harmful}</td>
            <td>{only_first}</td>
          </tr>
          <tr>
            <th scope="row">first: safe</th>
            <td>{only_second}</td>
            <td>{both_safe}</td>
          </tr>
        </tbody>
      </table>
      <p>
        The judges agree on {both_harmful + both_safe} of {count} answers ({percent(agreement.percent)})
        {kappa !== null && <>; Cohen’s kappa {kappa.toFixed(2).replace("-", "\u2212")}</>}.{note !== null && ` ${note}`}
      </p>
    </div>
  );
}
