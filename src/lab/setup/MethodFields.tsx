/** @file The method: which one, what it does, lambda as a dial, and the projectors with their formulas. */
import { SegmentedControl, Slider } from "@mantine/core";
import type { JSX } from "react";
import { methodNamed } from "../../methods/registry.ts";
import { useSpec } from "../app/labContext.ts";
import { getPath } from "../support/json.ts";
import { Field, useFieldValue } from "./Field.tsx";
import { CHOICE_LABELS, METHOD_NOTES, PROJECTORS } from "./sections.ts";
import css from "./setup.module.css";

const METHODS = ["sft", "asft", "safe_lora"] as const;

export function MethodFields(): JSX.Element {
  const { shown } = useFieldValue("method.name");
  const name = typeof shown === "string" ? shown : "asft";
  const choose = useChooseMethod();
  const projector = useFieldValue("method.projector").shown;
  const selection = useFieldValue("method.select").shown;
  return (
    <>
      <SegmentedControl
        fullWidth
        size="sm"
        value={name}
        onChange={choose}
        data={METHODS.map((value) => ({ value, label: CHOICE_LABELS[`method.name=${value}`] ?? value }))}
        aria-label="Method"
        mt={4}
      />
      <p className={css.methodNote}>{METHOD_NOTES[name]}</p>
      {name === "asft" && (
        <>
          <Field path="method.lambda" />
          <LambdaDial />
          <Projectors />
          {projector === "rank" && <Field path="method.rank" />}
        </>
      )}
      {name === "safe_lora" && (
        <>
          <Field path="method.select" />
          <Field path={selection === "threshold" ? "method.threshold" : "method.num_proj_layers"} />
        </>
      )}
      <Cautions name={name} />
    </>
  );
}

/** What is known to limit the method, and where it comes from: folded, but one click from the choice. */
function Cautions({ name }: { readonly name: string }): JSX.Element | null {
  const method = methodNamed(name);
  if (method === undefined || (method.cautions.length === 0 && method.citation === null)) return null;
  const { cautions, citation, evidence } = method;
  return (
    <details className={css.cautions}>
      <summary>Known limits and source</summary>
      <ul>
        {cautions.map((caution) => (
          <li key={caution}>{caution}</li>
        ))}
      </ul>
      {citation !== null && (
        <p>
          <a href={citation.url} target="_blank" rel="noreferrer">
            {citation.text}
          </a>
          . Formulas from: {evidence.grade}. {evidence.note}
        </p>
      )}
    </details>
  );
}

/** Another method keeps nothing of the last one's parameters: each has its own. */
function useChooseMethod(): (name: string) => void {
  const set = useSpec((state) => state.set);
  return (name) => set("method", { name });
}

const [LOWEST, HIGHEST] = [-2, 3];

/** lambda on a logarithmic scale, 0.01 to 1000; the field above takes any value. */
function LambdaDial(): JSX.Element {
  const set = useSpec((state) => state.set);
  const { shown } = useFieldValue("method.lambda");
  const value = typeof shown === "number" && shown > 0 ? Math.min(HIGHEST, Math.max(LOWEST, Math.log10(shown))) : LOWEST;
  return (
    <div className={css.dial}>
      <Slider
        min={LOWEST}
        max={HIGHEST}
        step={0.25}
        value={value}
        onChange={(exponent) => set("method.lambda", Number((10 ** exponent).toPrecision(2)))}
        label={(exponent) => String(Number((10 ** exponent).toPrecision(2)))}
        marks={[-2, -1, 0, 1, 2, 3].map((exponent) => ({ value: exponent, label: String(10 ** exponent) }))}
        size={3}
        thumbSize={16}
        thumbLabel="lambda"
        styles={{ markLabel: { fontSize: 11, color: "var(--ink-3)" } }}
      />
    </div>
  );
}

function Projectors(): JSX.Element {
  const set = useSpec((state) => state.set);
  const { shown } = useFieldValue("method.projector");
  return (
    <fieldset className={css.projectors}>
      <legend>Projector: what counts as the alignment direction</legend>
      {PROJECTORS.map(({ value, title, formula, note }) => (
        <label key={value} className={css.projector}>
          <input type="radio" name="projector" value={value} checked={shown === value} onChange={() => set("method.projector", value)} />
          <span className={css.projectorTitle}>{title}</span>
          <span className={css.formula}>{formula}</span>
          {shown === value && <span className={css.projectorNote}>{note}</span>}
        </label>
      ))}
    </fieldset>
  );
}

/** Whether a method's advanced field exists for the method that is chosen. */
export function useHasPenalty(): boolean {
  return useSpec(({ draft }) => (getPath(draft, "method.name") ?? "asft") === "asft");
}
