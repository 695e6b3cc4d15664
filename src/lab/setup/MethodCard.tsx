/**
 * @file A method's card, folded beside the picker: what it does, its formula and options, their source, known limits.
 */
import type { JSX } from "react";
import type { BoundMethod } from "../../methods/method.ts";
import type { MethodOption } from "../../methods/options.ts";
import { setting } from "../support/format.ts";
import { Formula } from "../ui/math.tsx";
import { METHOD_CARD } from "./copy.ts";
import css from "./methodCard.module.css";

/** @param method with its options as they are set */
export function MethodCard({ method }: { readonly method: BoundMethod }): JSX.Element {
  const { title, about, options, citation, evidence, cautions } = method.description;
  const { label, formula, letters } = method.formula();
  return (
    <details className={css.card} data-testid="method-card">
      <summary>{METHOD_CARD.summary(title)}</summary>
      <p>{about}</p>
      <Formula label={label}>{formula}</Formula>
      <p className={css.small}>{letters}</p>
      {options.length > 0 && <OptionsTable options={options} />}
      <h4>{METHOD_CARD.source}</h4>
      <p>
        {citation === null ? (
          METHOD_CARD.noCitation
        ) : (
          <a href={citation.url} target="_blank" rel="noreferrer">
            {citation.text}
          </a>
        )}
      </p>
      <p>
        {METHOD_CARD.evidence}: <strong>{evidence.grade}</strong> ({METHOD_CARD.grades[evidence.grade]}).{" "}
        {evidence.note}
      </p>
      <h4>{METHOD_CARD.cautions}</h4>
      <ul>
        {cautions.map((caution) => (
          <li key={caution}>{caution}</li>
        ))}
      </ul>
    </details>
  );
}

function OptionsTable({ options }: { readonly options: readonly MethodOption[] }): JSX.Element {
  return (
    <table className={css.options}>
      <thead>
        <tr>
          <th scope="col">{METHOD_CARD.option}</th>
          <th scope="col">{METHOD_CARD.default}</th>
          <th scope="col">{METHOD_CARD.description}</th>
        </tr>
      </thead>
      <tbody>
        {options.map((option) => (
          <tr key={option.name}>
            <th scope="row">{option.name}</th>
            <td>{defaultText(option)}</td>
            <td>{option.description}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function defaultText({ default: value }: MethodOption): string {
  if (value === null) return METHOD_CARD.none;
  return typeof value === "number" ? setting(value) : String(value);
}
