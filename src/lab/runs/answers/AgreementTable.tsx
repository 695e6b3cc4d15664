/** @file The agreement of two judges: the four counts, percentage and kappa. */
import type { JSX } from "react";
import type { Agreement } from "../../../eval/judges/agreement.ts";
import { percent } from "../../support/format.ts";
import { AGREEMENT } from "../copy.ts";
import css from "./answers.module.css";

export function AgreementTable({ agreement }: { readonly agreement: Agreement }): JSX.Element {
  const { count, kappa, note, both_harmful, only_first, only_second, both_safe } = agreement;
  return (
    <div className={css.agreement} data-testid="agreement">
      <table className={css.counts}>
        <caption>{AGREEMENT.caption}</caption>
        <thead>
          <tr>
            <td />
            <th scope="col">{AGREEMENT.secondHarmful}</th>
            <th scope="col">{AGREEMENT.secondSafe}</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">{AGREEMENT.firstHarmful}</th>
            <td>{both_harmful}</td>
            <td>{only_first}</td>
          </tr>
          <tr>
            <th scope="row">{AGREEMENT.firstSafe}</th>
            <td>{only_second}</td>
            <td>{both_safe}</td>
          </tr>
        </tbody>
      </table>
      <p>
        {AGREEMENT.text(both_harmful + both_safe, count, percent(agreement.percent))}
        {kappa !== null && AGREEMENT.kappa(kappa.toFixed(2).replace("-", "\u2212"))}.{note !== null && ` ${note}`}
      </p>
    </div>
  );
}
