/** @file The method: which one, what it does, and its options, each drawn as its description says. */
import { Slider } from "@mantine/core";
import type { JSX } from "react";
import { apothecaryMethod } from "../../experiment/spec/presets.ts";
import type { BoundMethod } from "../../methods/method.ts";
import type { MethodOption } from "../../methods/options.ts";
import { methodNamed, methods, PLAIN } from "../../methods/registry.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { getPath, isJsonObject } from "../support/json.ts";
import { METHODS } from "./copy.ts";
import { Field } from "./Field.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { MethodCard } from "./MethodCard.tsx";
import { METHOD_KINDS, methodFields } from "./sections.ts";
import { useFieldValue } from "./useField.ts";
import field from "./field.module.css";
import css from "./method.module.css";

export function MethodFields(): JSX.Element {
  const method = useDraftMethod();
  const name = useMethodName();
  return (
    <>
      <MethodPicker name={name} />
      <p className={field.note}>{method.description.summary}</p>
      <OptionList method={method} advanced={false} />
      <MethodCard method={method} />
    </>
  );
}

/** The method's rarely changed options. */
export function MoreMethodFields(): JSX.Element {
  return <OptionList method={useDraftMethod()} advanced />;
}

function OptionList({ method, advanced }: { readonly method: BoundMethod; readonly advanced: boolean }): JSX.Element {
  return (
    <>
      {methodFields(method, advanced).map((option) => (
        <OptionField key={option.name} option={option} />
      ))}
    </>
  );
}

function OptionField({ option }: { readonly option: MethodOption }): JSX.Element {
  const path = `method.${option.name}`;
  if (option.choices.some(({ note }) => note !== undefined)) return <ChoiceCards option={option} path={path} />;
  return (
    <>
      <Field path={path} />
      {option.dial !== undefined && <Dial title={option.title} path={path} exponents={option.dial} />}
      {option.names === "file" && <FilePicker target={path} takes="name" />}
    </>
  );
}

/**
 * Selecting another method replaces all options, because each method has its own. On the apothecary world, it starts
 * with options that suit the short runs there.
 */
function MethodPicker({ name }: { readonly name: string }): JSX.Element {
  const set = useSpec((state) => state.set);
  const world = useFieldValue("data.train.source").shown === "apothecary";
  return (
    <div className={css.methods} role="radiogroup" aria-label={METHODS.label}>
      {METHOD_KINDS.map((kind) => (
        <div key={kind} className={css.methodGroup}>
          <span className={css.methodKind}>{METHODS.kinds[kind]}</span>
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

interface DialProps {
  readonly title: string;
  readonly path: string;
  /** Powers of ten. */
  readonly exponents: readonly [from: number, to: number];
}

/** A number on a logarithmic scale; the field above takes any value. */
function Dial({ title, path, exponents: [from, to] }: DialProps): JSX.Element {
  const set = useSpec((state) => state.set);
  const { shown } = useFieldValue(path);
  const value = typeof shown === "number" && shown > 0 ? Math.min(to, Math.max(from, Math.log10(shown))) : from;
  const marks = Array.from({ length: to - from + 1 }, (_, at) => from + at);
  return (
    <div className={css.dial}>
      <Slider
        min={from}
        max={to}
        step={0.25}
        value={value}
        onChange={(exponent) => set(path, Number((10 ** exponent).toPrecision(2)))}
        label={(exponent) => String(Number((10 ** exponent).toPrecision(2)))}
        marks={marks.map((exponent) => ({ value: exponent, label: String(10 ** exponent) }))}
        size={3}
        thumbSize={16}
        thumbLabel={title}
        styles={{
          // Or the last mark, as wide as its label before that is centred, would scroll the settings sideways.
          markWrapper: { width: 0 },
          markLabel: { width: "max-content", fontSize: "0.69rem", color: "var(--ink-3)" },
        }}
      />
    </div>
  );
}

/** A choice whose values need explaining: with formulas, and a note on the selected one. */
function ChoiceCards({ option, path }: { readonly option: MethodOption; readonly path: string }): JSX.Element {
  const set = useSpec((state) => state.set);
  const { shown } = useFieldValue(path);
  return (
    <fieldset className={css.choices}>
      <legend>{option.caption === undefined ? option.title : METHODS.caption(option.title, option.caption)}</legend>
      {option.choices.map(({ value, label, formula, note }) => (
        <label key={value} className={css.choice}>
          <input
            type="radio"
            name={option.name}
            value={value}
            checked={shown === value}
            onChange={() => set(path, value)}
          />
          <span className={css.choiceTitle}>{label}</span>
          <span className={css.formula}>{formula}</span>
          {shown === value && <span className={css.choiceNote}>{note}</span>}
        </label>
      ))}
    </fieldset>
  );
}

/** The method in the form; invalid options count as their defaults, an unknown method as plain fine-tuning. */
export function useDraftMethod(): BoundMethod {
  const name = useMethodName();
  const written = useSpec(({ draft, check }) =>
    check.kind === "valid" ? check.spec.method : getPath(draft, "method"),
  );
  const method = methodNamed(name) ?? methodNamed(PLAIN.name);
  if (method === undefined) throw new Error(`no method is called ${name}`);
  return method.bindDraft(isJsonObject(written) ? written : {});
}

function useMethodName(): string {
  const { shown } = useFieldValue("method.name");
  return typeof shown === "string" ? shown : PLAIN.name;
}
