/** @file The method: which one, what it does, its own fields, lambda as a dial, and the projectors with their formulas. */
import { Slider } from "@mantine/core";
import type { JSX } from "react";
import { apothecaryMethod } from "../../experiment/spec/presets.ts";
import { methodNamed, methods } from "../../methods/registry.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { getPath, isJsonObject } from "../support/json.ts";
import { Field } from "./Field.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { MethodCard } from "./MethodCard.tsx";
import { METHOD_KINDS, methodFields, PROJECTORS } from "./sections.ts";
import { useFieldValue } from "./useField.ts";
import field from "./field.module.css";
import css from "./method.module.css";

export function MethodFields(): JSX.Element {
  const name = useMethodName();
  const method = methodNamed(name);
  const options = useMethodOptions();
  return (
    <>
      <MethodPicker name={name} />
      <p className={field.note}>{method?.summary}</p>
      <Fields paths={useMethodPaths(false)} />
      {method !== undefined && <MethodCard method={method} options={options} />}
    </>
  );
}

/** A method's seldom touched fields. */
export function MoreMethodFields(): JSX.Element {
  return <Fields paths={useMethodPaths(true)} />;
}

function Fields({ paths }: { readonly paths: readonly string[] }): JSX.Element {
  return (
    <>
      {paths.map((path) => (
        <MethodField key={path} path={path} />
      ))}
    </>
  );
}

function MethodField({ path }: { readonly path: string }): JSX.Element {
  switch (path) {
    case "method.lambda":
      return (
        <>
          <Field path={path} />
          <LambdaDial />
        </>
      );
    case "method.projector":
      return <Projectors />;
    case "method.safety_rows":
      return (
        <>
          <Field path={path} />
          <FilePicker target={path} />
        </>
      );
    default:
      return <Field path={path} />;
  }
}

/**
 * Another method keeps nothing of the last one's parameters: each has its own. On the apothecary world it begins with those
 * that suit its short runs.
 */
function MethodPicker({ name }: { readonly name: string }): JSX.Element {
  const set = useSpec((state) => state.set);
  const world = useFieldValue("data.train.source").shown === "apothecary";
  return (
    <div className={css.methods} role="radiogroup" aria-label="Method">
      {METHOD_KINDS.map(({ kind, title }) => (
        <div key={kind} className={css.methodGroup}>
          <span className={css.methodKind}>{title}</span>
          {methods
            .filter((method) => method.kind === kind)
            .map((method) => (
              <label key={method.name} className={css.methodChoice}>
                <input
                  type="radio"
                  name="method"
                  value={method.name}
                  checked={name === method.name}
                  onChange={() => set("method", world ? apothecaryMethod(method.name) : { name: method.name })}
                />
                {method.title}
              </label>
            ))}
        </div>
      ))}
    </div>
  );
}

const [LOWEST, HIGHEST] = [-2, 3];

/** lambda on a logarithmic scale, 0.01 to 1000; the field above takes any value. */
function LambdaDial(): JSX.Element {
  const set = useSpec((state) => state.set);
  const { shown } = useFieldValue("method.lambda");
  const value =
    typeof shown === "number" && shown > 0 ? Math.min(HIGHEST, Math.max(LOWEST, Math.log10(shown))) : LOWEST;
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
        styles={{ markLabel: { fontSize: "0.69rem", color: "var(--ink-3)" } }}
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
          <input
            type="radio"
            name="projector"
            value={value}
            checked={shown === value}
            onChange={() => set("method.projector", value)}
          />
          <span className={css.projectorTitle}>{title}</span>
          <span className={css.formula}>{formula}</span>
          {shown === value && <span className={css.projectorNote}>{note}</span>}
        </label>
      ))}
    </fieldset>
  );
}

/** The fields of the chosen method that matter now. */
export function useMethodPaths(seldom: boolean): readonly string[] {
  const options = useMethodOptions();
  const method = methodNamed(useMethodName());
  return method === undefined ? [] : methodFields(method, options, seldom);
}

/** The chosen method's options: as written, else by default. */
function useMethodOptions(): (name: string) => unknown {
  const method = methodNamed(useMethodName());
  const written = useSpec(({ draft, check }) =>
    check.kind === "valid" ? check.spec.method : getPath(draft, "method"),
  );
  const initial = new Map(method?.parameters.map((parameter) => [parameter.name, parameter.default]));
  return (name) => (isJsonObject(written) ? getPath(written, name) : undefined) ?? initial.get(name);
}

function useMethodName(): string {
  const { shown } = useFieldValue("method.name");
  return typeof shown === "string" ? shown : "asft";
}
