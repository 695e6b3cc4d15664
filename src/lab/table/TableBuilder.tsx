/**
 * @file What a table varies: methods by name, lists of values for the common axes, and the whole document as JSON.
 *
 * Fields and JSON edit the same document; lists are taken over when they are left. What runs already exist for is decided
 * by keys, so an edit never loses results.
 */
import { Button, MultiSelect, Textarea, TextInput } from "@mantine/core";
import { useState, type JSX } from "react";
import { checkSpec } from "../../experiment/spec/spec.ts";
import { SHORT_AXES } from "../../experiment/table/tableSpec.ts";
import { ALL_METHODS } from "../../experiment/table/presets.ts";
import { PLAIN } from "../../methods/registry.ts";
import { useLab, useTable } from "../shell/app/labContext.ts";
import { dataTitle } from "../run/labels.ts";
import { saveFile } from "../support/clipboard.ts";
import { setting } from "../support/format.ts";
import { isJsonObject, type Json, type JsonObject } from "../support/json.ts";
import { axisHead } from "./TableMatrix.tsx";
import css from "./table.module.css";

/** Axes that have a field; others are written as JSON. */
const LISTED = ["task", "harmful_ratio", "lambda", "learning_rate", "r", "seed"] as const;

export function TableBuilder({ input }: { readonly input: JsonObject }): JSX.Element {
  const lab = useLab();
  const locked = useTable((state) => state.queue.kind === "running");
  const axes = isJsonObject(input.axes) ? input.axes : {};
  const begun = useTable(({ plan }) => plan.kind === "ready" && plan.report.rows.some(({ seeds }) => seeds.length > 0));
  const edit = (next: JsonObject): void => void lab.table.edit(next);
  const setAxis = (name: string, values: Json | undefined): void => {
    const { [name]: _, ...others } = axes;
    const kept = { ...others, ...(values === undefined ? {} : { [name]: values }) };
    const methods = isJsonObject(kept.method) ? Object.keys(kept.method) : [];
    const { baseline, ...rest } = input;
    edit({ ...rest, axes: kept, ...(typeof baseline === "string" && methods.includes(baseline) ? { baseline } : {}) });
  };
  return (
    <details className={css.builder} open={!locked && !begun}>
      <summary>
        What is varied<span className={css.sub}>{baseText(input)}</span>
      </summary>
      <fieldset disabled={locked} className={css.fields}>
        <Methods value={axes.method} onChange={(value) => setAxis("method", value)} disabled={locked} />
        {LISTED.map((name) => (
          <AxisField
            key={`${name} ${JSON.stringify(axes[name] ?? null)}`}
            name={name}
            value={axes[name]}
            onChange={(value) => setAxis(name, value)}
          />
        ))}
        <Baseline input={input} onChange={(baseline) => edit({ ...input, baseline })} />
      </fieldset>
      <details className={css.document}>
        <summary>The document, for basin table</summary>
        <Document key={JSON.stringify(input)} input={input} onChange={edit} locked={locked} />
      </details>
    </details>
  );
}

/** "Base: sums, 1000 rows, 10 % harmful; lr 0.001; 1 epochs". */
function baseText({ base }: JsonObject): string {
  const checked = checkSpec(base ?? {});
  if (!checked.ok) return "";
  const { spec } = checked;
  const { learning_rate, num_train_epochs, max_steps } = spec.train;
  return `Base: ${spec.model.aligned}; ${dataTitle(spec)}; learning rate ${setting(learning_rate)}; ${max_steps > 0 ? `${max_steps} steps` : `${num_train_epochs} ${num_train_epochs === 1 ? "epoch" : "epochs"}`}`;
}

/** Methods that can be ticked, by label. */
const KNOWN: JsonObject = (() => {
  const methods: unknown = ALL_METHODS.axes?.method;
  return isJsonObject(methods) ? methods : {};
})();

function Methods({
  value,
  onChange,
  disabled,
}: {
  readonly value: Json | undefined;
  readonly onChange: (value: Json | undefined) => void;
  readonly disabled: boolean;
}): JSX.Element {
  if (value !== undefined && !isJsonObject(value))
    return <p className={css.sub}>The methods are given as a list in the document.</p>;
  const chosen = value ?? {};
  const known = { ...KNOWN, ...chosen };
  return (
    <MultiSelect
      className={css.methods}
      label="Methods"
      description="None: the base’s own. Others, and other options, in the document below."
      data={Object.keys(known)}
      value={Object.keys(chosen)}
      disabled={disabled}
      onChange={(labels) =>
        onChange(
          labels.length === 0
            ? undefined
            : Object.fromEntries(labels.map((label) => [label, known[label] ?? PLAIN.name])),
        )
      }
      size="xs"
      clearable
      hidePickedOptions
    />
  );
}

function AxisField({
  name,
  value,
  onChange,
}: {
  readonly name: (typeof LISTED)[number];
  readonly value: Json | undefined;
  readonly onChange: (value: Json | undefined) => void;
}): JSX.Element {
  const listed: unknown = value;
  const simple = Array.isArray(listed) && listed.every((item) => typeof item !== "object");
  const shown = simple ? listed.join(", ") : "";
  const [typed, setTyped] = useState(shown);
  const numbers = name !== "task";
  const parts = typed.split(/[,;\s]+/).filter((part) => part !== "");
  const wrong = numbers ? parts.find((part) => !Number.isFinite(Number(part))) : undefined;
  const take = (): void => {
    if (typed === shown || wrong !== undefined) return;
    onChange(parts.length === 0 ? undefined : [...new Set(parts)].map((part) => (numbers ? Number(part) : part)));
  };
  return (
    <TextInput
      label={name === "seed" ? "Seeds" : axisHead(name)}
      value={typed}
      placeholder={value === undefined ? "as in the base" : simple ? "" : "in the document below"}
      disabled={value !== undefined && !simple}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => {
        if (event.key === "Enter") take();
      }}
      error={wrong === undefined ? undefined : `${wrong} is not a number`}
      title={SHORT_AXES[name]}
      size="xs"
      spellCheck={false}
      autoComplete="off"
    />
  );
}

function Baseline({
  input,
  onChange,
}: {
  readonly input: JsonObject;
  readonly onChange: (label: string) => void;
}): JSX.Element | null {
  const methods = isJsonObject(input.axes) && isJsonObject(input.axes.method) ? Object.keys(input.axes.method) : [];
  if (methods.length < 2) return null;
  return (
    <label className={css.baseline}>
      <span>Compared with</span>
      <select
        value={typeof input.baseline === "string" ? input.baseline : ""}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {typeof input.baseline !== "string" && <option value="">nothing</option>}
        {methods.map((label) => (
          <option key={label}>{label}</option>
        ))}
      </select>
    </label>
  );
}

function Document({
  input,
  onChange,
  locked,
}: {
  readonly input: JsonObject;
  readonly onChange: (input: JsonObject) => void;
  readonly locked: boolean;
}): JSX.Element {
  const text = JSON.stringify(input, null, 2);
  const [typed, setTyped] = useState(text);
  const [error, setError] = useState<string | null>(null);
  const take = (): void => {
    if (typed === text) return;
    try {
      const value: unknown = JSON.parse(typed);
      if (!isJsonObject(value)) throw new Error("a table is a JSON object: it starts with { and ends with }");
      setError(null);
      onChange(value);
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
    }
  };
  return (
    <>
      <Textarea
        aria-label="The table as JSON"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={take}
        error={error}
        disabled={locked}
        autosize
        minRows={6}
        maxRows={22}
        spellCheck={false}
        styles={{ input: { fontFamily: "var(--mono)", fontSize: "0.78rem", lineHeight: 1.5 } }}
      />
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => saveFile("table.json", new Blob([`${text}\n`]), "application/json")}
      >
        Download table.json
      </Button>
    </>
  );
}
