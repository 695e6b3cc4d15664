/** @file What the method did in a finished run, as it reports itself. */
import type { JSX } from "react";
import type { RunReport } from "../../experiment/run/events.ts";
import { methodAccount, rateText, type Column } from "../../experiment/report/methodAccount.ts";
import type { MethodSpec } from "../../experiment/spec/spec.ts";
import { bindMethod } from "../../methods/registry.ts";
import css from "./account.module.css";
import { Bar } from "./Bar.tsx";
import bar from "./bar.module.css";
import { METHOD_ACCOUNT, SCORES } from "./copy.ts";
import run from "./run.module.css";
import tables from "./table.module.css";

export interface MethodAccountProps {
  readonly method: MethodSpec;
  readonly report: RunReport;
}

export function MethodAccountPanel({ method, report }: MethodAccountProps): JSX.Element | null {
  const { facts, modules, untriggered } = methodAccount(report.method, bindMethod(method).description);
  if (facts.length === 0 && modules === null && untriggered === null) return null;
  return (
    <section data-testid="method-account">
      <h3 className={run.factsTitle}>{METHOD_ACCOUNT.title}</h3>
      <dl className={run.facts}>
        {facts.map(([name, value]) => (
          <div key={name} className={value.length > 40 ? css.wide : undefined}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {untriggered !== null && (
        <table className={`${tables.table} ${css.spaced}`}>
          <caption>{METHOD_ACCOUNT.triggerCaption}</caption>
          <thead>
            <tr>
              <th scope="col">{METHOD_ACCOUNT.afterTraining}</th>
              <th scope="col" className={tables.number}>
                {SCORES.harmful.name}
              </th>
              <th scope="col" className={tables.number}>
                {SCORES.task.name}
              </th>
              <th scope="col" className={tables.number}>
                {SCORES.benign.name}
              </th>
            </tr>
          </thead>
          <tbody>
            {(
              [
                [METHOD_ACCOUNT.withTrigger, report.after],
                [METHOD_ACCOUNT.withoutTrigger, untriggered],
              ] as const
            ).map(([name, scores]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className={tables.number}>{rateText(scores.harmful_score)}</td>
                <td className={tables.number}>{rateText(scores.task_accuracy)}</td>
                <td className={tables.number}>{rateText(scores.benign_compliance)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {modules !== null && (
        <details className={css.modules}>
          <summary>{METHOD_ACCOUNT.modules(modules.rows.length)}</summary>
          <div
            className={`${tables.scroll} ${css.spaced}`}
            tabIndex={0}
            role="region"
            aria-label={METHOD_ACCOUNT.modulesLabel}
          >
            <table className={tables.table}>
              <thead>
                <tr>
                  {modules.columns.map(({ title, numeric }) => (
                    <th key={title} scope="col" className={numeric ? tables.number : undefined}>
                      {title}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {modules.rows.map((row, index) => (
                  <tr key={row[0]}>
                    {row.map((value, column) =>
                      column === 0 ? (
                        <th key={column} scope="row" className={tables.path}>
                          {value}
                        </th>
                      ) : (
                        <Cell key={column} column={modules.columns[column]} row={index} value={value} />
                      ),
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </section>
  );
}

interface CellProps {
  readonly column: Column | undefined;
  readonly row: number;
  readonly value: string;
}

function Cell({ column, row, value }: CellProps): JSX.Element {
  const share = column?.bars?.[row] ?? null;
  return (
    <td className={column?.numeric === true ? tables.number : undefined}>
      {share !== null && <Bar share={share} />}
      {column?.bars == null ? value : <span className={bar.value}>{value}</span>}
    </td>
  );
}
