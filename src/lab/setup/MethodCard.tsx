/** @file A method's card, folded beside the picker: what it does, its formula and parameters, where they come from, what limits it. */
import type { JSX } from "react";
import type { Evidence, MethodDescription, MethodParameter } from "../../methods/method.ts";
import { setting } from "../support/format.ts";
import css from "./methodCard.module.css";
import { methodFormula } from "./methodFormulas.tsx";

/** What the grades mean. */
const GRADES: Readonly<Record<Evidence, string>> = {
  "primary code": "read in the authors' released repository",
  paper: "read in the paper",
  "second-hand": "read in somebody else's notes or re-implementation",
  reconstruction: "our best reading, not confirmed by a source",
  derived: "our own algebra, checked numerically",
};

export interface MethodCardProps {
  readonly method: MethodDescription;
  /** The method's options as they are set. */
  readonly options: (name: string) => unknown;
}

export function MethodCard({ method, options }: MethodCardProps): JSX.Element {
  const { title, about, parameters, citation, evidence, cautions } = method;
  const formula = methodFormula(method.name, options);
  return (
    <details className={css.card} data-testid="method-card">
      <summary>About {title}: formula, source, known limits</summary>
      <p>{about}</p>
      {formula !== undefined && (
        <>
          {formula.formula}
          <p className={css.small}>{formula.letters}</p>
        </>
      )}
      {parameters.length > 0 && (
        <table className={css.parameters}>
          <thead>
            <tr>
              <th scope="col">Parameter</th>
              <th scope="col">Default</th>
              <th scope="col">What it is</th>
            </tr>
          </thead>
          <tbody>
            {parameters.map((parameter) => (
              <tr key={parameter.name}>
                <th scope="row">{parameter.name}</th>
                <td>{defaultText(parameter)}</td>
                <td>
                  {parameter.help}
                  {"choices" in parameter.range && ` One of ${parameter.range.choices.join(", ")}.`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <h4>Source</h4>
      <p>
        {citation === null ? (
          "Standard practice."
        ) : (
          <a href={citation.url} target="_blank" rel="noreferrer">
            {citation.text}
          </a>
        )}
      </p>
      <p>
        Evidence: <strong>{evidence.grade}</strong> ({GRADES[evidence.grade]}). {evidence.note}
      </p>
      <h4>Known limits</h4>
      <ul>
        {cautions.map((caution) => (
          <li key={caution}>{caution}</li>
        ))}
      </ul>
    </details>
  );
}

function defaultText({ default: value }: MethodParameter): string {
  return value === null ? "none" : typeof value === "number" ? setting(value) : value;
}
