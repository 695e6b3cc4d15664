/**
 * @file What a table varies: methods by name, lists of values on the common axes, and the whole table as JSON.
 *
 * Fields and JSON edit the same document. Finished runs are found by their keys, so an edit never loses results.
 */
import { MultiSelect, TextInput } from "@mantine/core";
import type { JSX } from "react";
import { checkSpec } from "../../experiment/spec/spec.ts";
import { METHODS_COMPARED } from "../../experiment/table/presets.ts";
import { SHORT_AXES } from "../../experiment/table/tableSpec.ts";
import { dataTitle } from "../run/labels.ts";
import { useLab, useTable } from "../shell/app/labContext.ts";
import { setting } from "../support/format.ts";
import { isJsonObject, type Json, type JsonObject } from "../support/json.ts";
import { useTypedText } from "../ui/useTypedText.ts";
import { BUILDER } from "./copy.ts";
import { TableJson } from "./TableJson.tsx";
import { axisTitle } from "./TableMatrix.tsx";
import text from "../ui/text.module.css";
import css from "./builder.module.css";

/** Axes that have a field; others are only in the JSON. */
const LISTED = ["task", "harmful_ratio", "lambda", "learning_rate", "r", "seed"] as const;

export function TableBuilder({ input }: { readonly input: JsonObject }): JSX.Element {
  const lab = useLab();
  const locked = useTable((state) => state.queue.kind !== "idle");
  const axes = isJsonObject(input.axes) ? input.axes : {};
  const begun = useTable(({ plan }) => plan.kind === "ready" && plan.report.rows.some(({ seeds }) => seeds.length > 0));
  const edit = (next: JsonObject): void => void lab.table.edit(next);
  const setAxis = (name: string, values: Json | undefined): void => edit(withAxis(input, name, values));
  return (
    <details className={css.builder} open={!locked && !begun}>
      <summary>
        {BUILDER.title}
        <span className={text.sub}>{baseText(input)}</span>
      </summary>
      <fieldset disabled={locked} className={css.fields}>
        <Methods value={axes.method} onChange={(value) => setAxis("method", value)} disabled={locked} />
        {LISTED.map((name) => (
          <AxisField key={name} name={name} value={axes[name]} onChange={(value) => setAxis(name, value)} />
        ))}
        <Baseline input={input} onChange={(baseline) => edit({ ...input, baseline })} />
      </fieldset>
      <details className={css.json}>
        <summary>{BUILDER.json}</summary>
        <TableJson key={JSON.stringify(input)} input={input} onChange={edit} locked={locked} />
      </details>
    </details>
  );
}

/** The table with other values on one axis; without its baseline if the method axis no longer has it. */
function withAxis(input: JsonObject, name: string, values: Json | undefined): JsonObject {
  const { [name]: _, ...others } = isJsonObject(input.axes) ? input.axes : {};
  const axes: JsonObject = { ...others, ...(values === undefined ? {} : { [name]: values }) };
  const methods = isJsonObject(axes.method) ? Object.keys(axes.method) : [];
  const { baseline, ...rest } = input;
  return { ...rest, axes, ...(typeof baseline === "string" && methods.includes(baseline) ? { baseline } : {}) };
}

/** "Base: apothecary-aligned; sums, 1000 rows, 10 % harmful; learning rate 0.001; 1 epoch". */
function baseText({ base }: JsonObject): string {
  const checked = checkSpec(base ?? {});
  if (!checked.ok) return "";
  const { spec } = checked;
  const { learning_rate, num_train_epochs, max_steps } = spec.train;
  const length = max_steps > 0 ? BUILDER.steps(max_steps) : BUILDER.epochs(num_train_epochs);
  return BUILDER.base(spec.model.aligned, dataTitle(spec), setting(learning_rate), length);
}

/** Methods that can be selected, by label. */
const KNOWN: JsonObject = (() => {
  const methods: unknown = METHODS_COMPARED.axes?.method;
  return isJsonObject(methods) ? methods : {};
})();

interface MethodsProps {
  readonly value: Json | undefined;
  readonly onChange: (value: Json | undefined) => void;
  readonly disabled: boolean;
}

function Methods({ value, onChange, disabled }: MethodsProps): JSX.Element {
  if (value !== undefined && !isJsonObject(value)) return <p className={text.sub}>{BUILDER.methodsAsList}</p>;
  const chosen = value ?? {};
  const known = { ...KNOWN, ...chosen };
  return (
    <MultiSelect
      className={css.methods}
      label={BUILDER.methods}
      description={BUILDER.methodsHint}
      data={Object.keys(known)}
      value={Object.keys(chosen)}
      disabled={disabled}
      onChange={(labels) =>
        onChange(
          labels.length === 0 ? undefined : Object.fromEntries(labels.map((label) => [label, known[label] ?? "sft"])),
        )
      }
      size="xs"
      clearable
      hidePickedOptions
    />
  );
}

interface AxisFieldProps {
  readonly name: (typeof LISTED)[number];
  readonly value: Json | undefined;
  readonly onChange: (value: Json | undefined) => void;
}

function AxisField({ name, value, onChange }: AxisFieldProps): JSX.Element {
  const listed: unknown = value;
  const simple = Array.isArray(listed) && listed.every((item) => typeof item !== "object");
  const shown = simple ? listed.join(", ") : "";
  const numbers = name !== "task";
  const wrongIn = (text: string): string | undefined =>
    numbers ? partsOf(text).find((part) => !Number.isFinite(Number(part))) : undefined;
  const typed = useTypedText({
    value: shown,
    commit: (text) => {
      const parts = [...new Set(partsOf(text))];
      if (text !== shown)
        onChange(parts.length === 0 ? undefined : parts.map((part) => (numbers ? Number(part) : part)));
    },
    when: "done",
    accepts: (text) => wrongIn(text) === undefined,
  });
  const wrong = wrongIn(typed.text);
  return (
    <TextInput
      {...typed.input}
      label={name === "seed" ? BUILDER.seeds : axisTitle(name)}
      placeholder={value === undefined ? BUILDER.asInBase : simple ? "" : BUILDER.inJson}
      disabled={value !== undefined && !simple}
      error={wrong === undefined ? undefined : BUILDER.notANumber(wrong)}
      title={SHORT_AXES[name]}
      size="xs"
      spellCheck={false}
      autoComplete="off"
    />
  );
}

/** Values separated by commas, semicolons or spaces. */
function partsOf(text: string): string[] {
  return text.split(/[,;\s]+/).filter((part) => part !== "");
}

interface BaselineProps {
  readonly input: JsonObject;
  readonly onChange: (label: string) => void;
}

function Baseline({ input, onChange }: BaselineProps): JSX.Element | null {
  const methods = isJsonObject(input.axes) && isJsonObject(input.axes.method) ? Object.keys(input.axes.method) : [];
  if (methods.length < 2) return null;
  return (
    <label className={css.baseline}>
      <span>{BUILDER.baseline}</span>
      <select
        value={typeof input.baseline === "string" ? input.baseline : ""}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {typeof input.baseline !== "string" && <option value="">{BUILDER.noBaseline}</option>}
        {methods.map((label) => (
          <option key={label}>{label}</option>
        ))}
      </select>
    </label>
  );
}
