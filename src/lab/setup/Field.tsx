/** @file One field of the spec: label, one line of help, the control that its kind asks for, its default, its problem. */
import { Select, Switch, TextInput } from "@mantine/core";
import { useId, useState, type JSX } from "react";
import { helpFor, type FieldHelp } from "../../experiment/spec/specHelp.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { UndoIcon } from "../ui/icons.tsx";
import { getPath, isJsonObject, sameJson, type Json } from "../support/json.ts";
import {
  fromNumberText,
  fromPatternText,
  fromTargetsText,
  toNumberText,
  toPatternText,
  toTargetsText,
} from "./numberText.ts";
import { CHOICE_LABELS } from "./sections.ts";
import css from "./setup.module.css";

const PATTERNS: ReadonlySet<string> = new Set(["lora.rank_pattern", "lora.alpha_pattern"]);

/** The value that the form shows at a path: as written, else the default that the check filled in. */
export function useFieldValue(path: string): { readonly written: unknown; readonly shown: unknown } {
  const written = useSpec(({ draft }) => getPath(draft, path));
  const resolved = useSpec(({ check }) => (check.kind === "valid" ? getPath(check.spec, path) : undefined));
  const fallback = useSpec(({ draft }) => helpFor(path, draft)?.default);
  return { written, shown: written ?? resolved ?? fallback };
}

export function Field({ path }: { readonly path: string }): JSX.Element | null {
  const id = useId();
  const { written, shown } = useFieldValue(path);
  const draft = useSpec((state) => state.draft);
  const check = useSpec((state) => state.check);
  const set = useSpec((state) => state.set);
  const help = helpFor(path, check.kind === "valid" ? check.spec : draft);
  if (help === undefined) return null;
  const problem = check.kind === "invalid" ? check.problems.find((candidate) => candidate.path === path) : undefined;
  const stacked =
    help.kind === "text" ||
    path === "lora.target_modules" ||
    PATTERNS.has(path) ||
    (help.kind === "choice" && longest(help) > 14);
  const changed = written !== undefined && help.default !== undefined && !sameJson(written, help.default);
  const describedBy = `${id}-help${problem ? ` ${id}-problem` : ""}`;
  return (
    <div className={css.row} data-stacked={stacked} data-path={path}>
      <div>
        <label className={css.label} htmlFor={id}>
          {help.title}
        </label>
        <p className={css.help} id={`${id}-help`}>
          {help.help}
        </p>
      </div>
      <div className={css.control}>
        <Control
          id={id}
          path={path}
          help={help}
          value={shown}
          onChange={(value) => set(path, value)}
          invalid={problem !== undefined}
          describedBy={describedBy}
        />
        {changed && (
          <button type="button" className={css.reset} onClick={() => set(path, undefined)}>
            <UndoIcon />
            default {defaultText(help, help.default)}
          </button>
        )}
      </div>
      {problem && (
        <p className={css.problem} id={`${id}-problem`} role="alert">
          {problem.message}. {problem.fix}
        </p>
      )}
    </div>
  );
}

interface ControlProps {
  readonly id: string;
  readonly path: string;
  readonly help: FieldHelp;
  readonly value: unknown;
  readonly onChange: (value: Json | undefined) => void;
  readonly invalid: boolean;
  readonly describedBy: string;
}

function Control({ id, path, help, value, onChange, invalid, describedBy }: ControlProps): JSX.Element {
  switch (help.kind) {
    case "boolean":
      return (
        <Switch
          id={id}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
          aria-describedby={describedBy}
          style={{ alignSelf: "flex-end" }}
        />
      );
    case "choice": {
      const options = (help.options ?? []).map((option) => ({
        value: option,
        label: choiceLabel(help, option),
      }));
      return (
        <Select
          id={id}
          data={options}
          value={typeof value === "string" ? value : null}
          onChange={(next) => onChange(next ?? undefined)}
          error={invalid}
          aria-describedby={describedBy}
          clearable={help.nullable}
          placeholder={CHOICE_LABELS[`${path}=null`]}
        />
      );
    }
    case "number":
    case "integer":
      return (
        <TypedInput
          id={id}
          value={value}
          toText={toNumberText}
          fromText={fromNumberText}
          onChange={onChange}
          invalid={invalid}
          describedBy={describedBy}
          unit={help.unit}
          numeric
        />
      );
    default:
      if (path === "train.gradient_checkpointing")
        return (
          <AutoSwitch
            id={id}
            path={path}
            value={value}
            onChange={onChange}
            invalid={invalid}
            describedBy={describedBy}
          />
        );
      if (path === "eval.sample_steps")
        return (
          <TypedInput
            id={id}
            value={value}
            toText={plainText}
            fromText={fromAutoText}
            onChange={onChange}
            invalid={invalid}
            describedBy={describedBy}
            unit={help.unit}
            numeric
          />
        );
      if (PATTERNS.has(path))
        return (
          <TypedInput
            id={id}
            value={value}
            toText={toPatternText}
            fromText={fromPatternText}
            onChange={onChange}
            invalid={invalid}
            describedBy={describedBy}
          />
        );
      return path === "lora.target_modules" ? (
        <TypedInput
          id={id}
          value={value}
          toText={toTargetsText}
          fromText={fromTargetsText}
          onChange={onChange}
          invalid={invalid}
          describedBy={describedBy}
        />
      ) : (
        <TypedInput
          id={id}
          value={value}
          toText={plainText}
          fromText={(text) => (text === "" ? undefined : text)}
          onChange={onChange}
          invalid={invalid}
          describedBy={describedBy}
        />
      );
  }
}

/** "auto", true or false. */
function AutoSwitch({ id, path, value, onChange, invalid, describedBy }: Omit<ControlProps, "help">): JSX.Element {
  const options = ["auto", "true", "false"].map((option) => ({
    value: option,
    label: CHOICE_LABELS[`${path}=${option}`] ?? option,
  }));
  return (
    <Select
      id={id}
      data={options}
      value={String(value)}
      allowDeselect={false}
      onChange={(next) => onChange(next === "auto" || next === null ? undefined : next === "true")}
      error={invalid}
      aria-describedby={describedBy}
    />
  );
}

interface TypedInputProps {
  readonly id: string;
  readonly value: unknown;
  readonly toText: (value: unknown) => string;
  readonly fromText: (text: string) => Json | undefined;
  readonly onChange: (value: Json | undefined) => void;
  readonly invalid: boolean;
  readonly describedBy: string;
  readonly unit?: string | undefined;
  readonly numeric?: boolean;
}

/** A text input that keeps what is typed ("5e", "0.10") for as long as it has the focus. */
function TypedInput({
  id,
  value,
  toText,
  fromText,
  onChange,
  invalid,
  describedBy,
  unit,
  numeric = false,
}: TypedInputProps): JSX.Element {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextInput
      id={id}
      value={typed ?? toText(value)}
      inputMode={numeric ? "decimal" : "text"}
      spellCheck={false}
      autoComplete="off"
      error={invalid}
      aria-describedby={describedBy}
      rightSection={unit === undefined ? undefined : <span className={css.unit}>{unit}</span>}
      rightSectionWidth={unit === undefined ? undefined : 14 + 6.5 * unit.length}
      rightSectionPointerEvents="none"
      styles={{
        input: { fontFamily: numeric ? undefined : "var(--mono)", fontSize: numeric ? "0.875rem" : "0.78rem" },
      }}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        onChange(fromText(event.currentTarget.value));
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

/** "auto" or a number. */
function fromAutoText(text: string): Json | undefined {
  return text.trim() === "auto" ? "auto" : fromNumberText(text);
}

function plainText(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

function defaultText(help: FieldHelp, value: unknown): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string") return choiceLabel(help, value);
  if (Array.isArray(value)) return value.join(", ");
  return value === null || isJsonObject(value) ? "none" : toNumberText(value);
}

function choiceLabel({ path, labels }: FieldHelp, option: string): string {
  return labels?.[option] ?? CHOICE_LABELS[`${path}=${option}`] ?? option;
}

function longest(help: FieldHelp): number {
  return Math.max(...(help.options ?? [""]).map((option) => choiceLabel(help, option).length));
}
