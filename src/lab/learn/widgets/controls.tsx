/**
 * @file Controls and readouts of the widgets: slider, choice, figures, bars, matrix. Native inputs, for accessibility.
 */
import { useId, useState, type JSX, type ReactNode } from "react";
import { at, shape, type Matrix } from "../maths/matrix.ts";
import { MATRIX } from "../copy.ts";
import css from "./widgets.module.css";

const MINUS = "\u2212";

/** 1.25, 0.5, −3: at max `digits` after the point. */
export function decimal(value: number, digits = 2): string {
  const rounded = Number(value.toFixed(digits));
  return String(Object.is(rounded, -0) ? 0 : rounded).replace("-", MINUS);
}

/** An interactive figure. `title` is also its accessible name. */
export function Widget({ title, children }: { readonly title: string; readonly children: ReactNode }): JSX.Element {
  return (
    <section className={css.widget} aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

export interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly show?: (value: number) => string;
  readonly onChange: (value: number) => void;
}

export function Slider({ label, value, min, max, step = 1, show = decimal, onChange }: SliderProps): JSX.Element {
  const id = useId();
  return (
    <div className={css.slider}>
      <label htmlFor={id}>{label}</label>
      <output htmlFor={id}>{show(value)}</output>
      <input
        id={id}
        type="range"
        value={value}
        min={min}
        max={max}
        step={step}
        aria-valuetext={show(value)}
        onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}

export interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [value: T, title: string])[];
  readonly onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>): JSX.Element {
  const name = useId();
  return (
    <fieldset className={css.choice}>
      <legend>{label}</legend>
      {options.map(([option, title]) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
          <span>{title}</span>
        </label>
      ))}
    </fieldset>
  );
}

export interface Figure {
  readonly name: ReactNode;
  readonly value: string;
  /** A CSS colour. */
  readonly color?: string;
}

export function Figures({ figures }: { readonly figures: readonly Figure[] }): JSX.Element {
  return (
    <dl className={css.figures}>
      {figures.map(({ name, value, color }, index) => (
        <div key={index} style={color === undefined ? undefined : { borderLeftColor: color }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly color: string;
}

/** Bars from zero; `max` is the full length. Longer ones are cut; their value is still shown. */
export function Bars({
  bars,
  max,
  show = decimal,
}: {
  readonly bars: readonly Bar[];
  readonly max: number;
  readonly show?: (value: number) => string;
}): JSX.Element {
  return (
    <dl className={css.bars}>
      {bars.map(({ name, value, color }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <span className={css.bar} style={{ width: `${Math.min(100, (100 * value) / max)}%`, background: color }} />
            <span>{show(value)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

export interface MatrixViewProps {
  readonly name: string;
  readonly value: Matrix;
  /** Makes the entries editable. */
  readonly onChange?: (value: Matrix) => void;
}

/** Blue where positive, orange where negative, stronger where larger. */
export function MatrixView({ name, value, onChange }: MatrixViewProps): JSX.Element {
  const { rows, columns } = shape(value);
  return (
    <table className={css.matrix}>
      <caption>{name}</caption>
      <tbody>
        {Array.from({ length: rows }, (_, i) => (
          <tr key={i}>
            {Array.from({ length: columns }, (_unused, j) => (
              <td key={j} style={{ background: tint(at(value, i, j)) }}>
                {onChange === undefined ? (
                  decimal(at(value, i, j))
                ) : (
                  <Entry
                    label={MATRIX.entry(name, i + 1, j + 1)}
                    value={at(value, i, j)}
                    onChange={(typed) =>
                      onChange(value.map((row, r) => row.map((entry, c) => (r === i && c === j ? typed : entry))))
                    }
                  />
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface EntryProps {
  readonly label: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
}

/** Keeps partial input ("-", "0.") until the value changes from elsewhere. */
function Entry({ label, value, onChange }: EntryProps): JSX.Element {
  const [typed, setTyped] = useState({ value, text: String(value) });
  const change = (text: string, parsed: number): void => {
    const next = Number.isFinite(parsed) ? Math.min(9, Math.max(-9, parsed)) : value;
    setTyped({ value: next, text: next === parsed || !Number.isFinite(parsed) ? text : String(next) });
    if (next !== value) onChange(next);
  };
  const text = typed.value === value ? typed.text : String(Number(value.toFixed(2)));
  return (
    <input
      type="number"
      step={0.1}
      min={-9}
      max={9}
      aria-label={label}
      value={text}
      onChange={({ currentTarget }) => change(currentTarget.value, currentTarget.valueAsNumber)}
    />
  );
}

function tint(value: number): string {
  const share = Math.min(42, 18 * Math.abs(value));
  return `color-mix(in srgb, var(--${value < 0 ? "unaligned" : "aligned"}) ${share.toFixed(0)}%, var(--panel))`;
}

/** Signs between matrices: =, +, ·. */
export function Sign({ children }: { readonly children: string }): JSX.Element {
  return (
    <span className={css.sign} aria-hidden="true">
      {children}
    </span>
  );
}
