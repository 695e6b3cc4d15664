/** @file One field of the spec, drawn from its schema: label, help, control, default, problem. */
import { Select, Switch } from "@mantine/core";
import type { JSX } from "react";
import type { FieldHelp } from "../../experiment/spec/specHelp.ts";
import { useLab, useSpec } from "../shell/app/labContext.ts";
import { isJsonObject } from "../support/json.ts";
import { FIELD } from "./copy.ts";
import { FieldRow } from "./FieldRow.tsx";
import { FolderButton } from "./models/FolderButton.tsx";
import { LinesField, LongTextField, NameField } from "./TextFields.tsx";
import { formatOf, toNumberText } from "./textFormats.ts";
import { TypedInput } from "./TypedInput.tsx";
import { useField, type FieldState } from "./useField.ts";

/** Labels of more characters than this do not fit beside the field's title. */
const LONG_LABEL = 14;
const DEFAULT_ROWS = 4;

export function Field({ path }: { readonly path: string }): JSX.Element | null {
  const field = useField(path);
  const { help } = field;
  switch (help?.control) {
    case "lines":
      return <LinesField field={field} rows={help.rows ?? DEFAULT_ROWS} />;
    case "text":
      return <LongTextField field={field} rows={help.rows ?? DEFAULT_ROWS} />;
    case "name":
      return <NameField field={field} />;
    case "model":
      return (
        <>
          <NameField field={field} />
          <ModelFolder path={path} title={help.title} />
        </>
      );
    default:
      return help === undefined ? null : <ShortField field={field} help={help} />;
  }
}

/** The fields of one object, in the order of `names`. */
export function Fields({ path, names }: { readonly path: string; readonly names: readonly string[] }): JSX.Element {
  return (
    <>
      {names.map((name) => (
        <Field key={name} path={`${path}.${name}`} />
      ))}
    </>
  );
}

interface ShortFieldProps {
  readonly field: FieldState;
  readonly help: FieldHelp;
}

function ShortField({ field, help }: ShortFieldProps): JSX.Element {
  const { changed, set } = field;
  const stacked =
    help.kind === "text" ||
    help.control === "modules" ||
    help.control === "pattern" ||
    (help.kind === "choice" && longestLabel(help) > LONG_LABEL);
  const reset = { label: FIELD.restore(defaultText(help, help.default)), onClick: () => set(undefined) };
  return (
    <FieldRow field={field} help={help.help} stacked={stacked} reset={changed ? reset : undefined}>
      <Control field={field} help={help} />
    </FieldRow>
  );
}

function Control({ field, help }: ShortFieldProps): JSX.Element {
  const { input, shown, set } = field;
  if (help.control === "auto_switch") return <AutoSwitch field={field} help={help} />;
  switch (help.kind) {
    case "boolean":
      return (
        <Switch
          id={input.id}
          checked={shown === true}
          onChange={(event) => set(event.currentTarget.checked)}
          aria-describedby={input["aria-describedby"]}
          style={{ alignSelf: "flex-end" }}
        />
      );
    case "choice":
      return (
        <Select
          {...input}
          data={(help.options ?? []).map((value) => ({ value, label: choiceLabel(help, value) }))}
          value={typeof shown === "string" ? shown : null}
          onChange={(next) => set(next ?? undefined)}
          clearable={help.nullable}
          placeholder={help.labels?.null}
        />
      );
    default:
      return <TypedInput field={field} format={formatOf(help)} unit={help.unit} />;
  }
}

/** "auto", true or false. */
function AutoSwitch({ field: { input, shown, set }, help }: ShortFieldProps): JSX.Element {
  return (
    <Select
      {...input}
      data={["auto", "true", "false"].map((value) => ({ value, label: choiceLabel(help, value) }))}
      value={String(shown)}
      allowDeselect={false}
      onChange={(next) => set(next === "auto" || next === null ? undefined : next === "true")}
    />
  );
}

/** A model from a folder of this computer. */
function ModelFolder({ path, title }: { readonly path: string; readonly title: string }): JSX.Element {
  const lab = useLab();
  const set = useSpec((state) => state.set);
  return (
    <FolderButton
      inputLabel={FIELD.folderOf(title)}
      onFolders={(found) =>
        void lab.models.attach(found.slice(0, 1)).then(([name]) => {
          if (name !== undefined) set(path, name);
        })
      }
    />
  );
}

function choiceLabel({ labels }: FieldHelp, value: string): string {
  return labels?.[value] ?? value;
}

function defaultText(help: FieldHelp, value: unknown): string {
  if (typeof value === "boolean") return value ? FIELD.on : FIELD.off;
  if (typeof value === "string") return choiceLabel(help, value);
  if (Array.isArray(value)) return value.join(", ");
  return value === null || isJsonObject(value) ? FIELD.none : toNumberText(value);
}

function longestLabel(help: FieldHelp): number {
  return Math.max(...(help.options ?? [""]).map((value) => choiceLabel(help, value).length));
}
