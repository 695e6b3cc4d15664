/**
 * @file Which column holds what: the detected columns, and a choice for each role. A choice is written to the spec
 * (data.train.columns); roles without a choice keep the detected column.
 */
import { Button, Select, TextInput } from "@mantine/core";
import { useState, type JSX } from "react";
import type { ColumnAccount } from "../../experiment/data/runData.ts";
import type { ColumnRole, RowFormat } from "../../text/data/mapping.ts";
import { LongTextField } from "../setup/TextFields.tsx";
import { useField } from "../setup/useField.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { getPath } from "../support/json.ts";
import { useTypedText } from "../ui/useTypedText.ts";
import { COLUMNS } from "./copy.ts";
import css from "./data.module.css";

const ROLES: Readonly<Record<RowFormat, readonly ColumnRole[]>> = {
  instruction: ["instruction", "input", "output", "system", "harmful", "weight", "safety_scores"],
  chat: ["messages", "system", "weight", "safety_scores"],
  tokens: ["input_ids", "labels", "weight", "safety_scores"],
  text: ["text", "weight", "safety_scores"],
};

const FORMATS: readonly RowFormat[] = ["instruction", "chat", "text", "tokens"];

/** Fields of `data.train` that this panel sets. */
const FIELDS = ["columns", "prompt", "label_names", "format"] as const;

export interface ColumnsPanelProps {
  readonly columns: readonly string[];
  /** null if the columns fit no format. */
  readonly account: ColumnAccount | null;
}

export function ColumnsPanel({ columns, account }: ColumnsPanelProps): JSX.Element {
  const set = useSpec((state) => state.set);
  const train = useSpec(({ draft }) => getPath(draft, "data.train"));
  const [opened, setOpened] = useState(false);
  const mapping = account?.mapping ?? null;
  const open = opened || mapping === null;
  const changed = FIELDS.some((key) => isSet(getPath(train, key)));
  const reset = (): void => {
    for (const key of FIELDS) set(`data.train.${key}`, undefined);
  };
  return (
    <section className={css.mapping} aria-label={COLUMNS.label} data-testid="mapping">
      <div className={css.mappingHead}>
        <span>
          {mapping === null ? (
            COLUMNS.assign
          ) : (
            <>
              {changed ? COLUMNS.chosen : COLUMNS.detected}
              <b>{mapping.recognised}</b>
            </>
          )}
          {mapping !== null && !open && <span className={css.mappingLine}>{columnsText(mapping.columns)}</span>}
        </span>
        <span>
          {changed && (
            <Button variant="subtle" size="compact-xs" onClick={reset}>
              {COLUMNS.reset}
            </Button>
          )}
          {mapping !== null && (
            <Button variant="default" size="compact-xs" aria-expanded={open} onClick={() => setOpened(!open)}>
              {open ? COLUMNS.close : COLUMNS.change}
            </Button>
          )}
        </span>
      </div>
      {open && (
        // Stays open while somebody edits it, also once the columns fit.
        <div className={css.mappingFields} onFocus={() => setOpened(true)}>
          <RoleFields columns={columns} account={account} train={train} />
        </div>
      )}
    </section>
  );
}

interface RoleFieldsProps extends ColumnsPanelProps {
  /** `data.train` of the draft. */
  readonly train: unknown;
}

function RoleFields({ columns, account, train }: RoleFieldsProps): JSX.Element {
  const set = useSpec((state) => state.set);
  const mapping = account?.mapping ?? null;
  const format = mapping?.format ?? FORMATS.find((one) => one === getPath(train, "format")) ?? "instruction";
  const columnOf = (role: ColumnRole): string => {
    const own = getPath(train, `columns.${role}`);
    return mapping?.columns[role] ?? (typeof own === "string" ? own : "");
  };
  const options = [
    { value: "", label: COLUMNS.noColumn },
    ...columns.filter((column) => column !== "").map((column) => ({ value: column, label: column })),
  ];
  const examplePrompt = columns
    .slice(0, 2)
    .map((column) => `{${column}}`)
    .join("\n");
  return (
    <>
      <Select
        label={COLUMNS.format}
        size="xs"
        allowDeselect={false}
        data={FORMATS.map((value) => ({ value, label: COLUMNS.formats[value] }))}
        value={format}
        onChange={(next) => {
          set("data.train.columns", undefined);
          set("data.train.format", next ?? undefined);
        }}
      />
      {ROLES[format].map((role) => (
        <Select
          key={role}
          label={COLUMNS.roles[role]}
          size="xs"
          allowDeselect={false}
          data={options}
          value={columnOf(role)}
          onChange={(next) => set(`data.train.columns.${role}`, next === "" ? null : (next ?? undefined))}
        />
      ))}
      {format === "instruction" && (
        <>
          <ClassNames names={mapping?.labelNames ?? null} />
          <div className={css.mappingWide}>
            <PromptField example={mapping?.prompt ?? examplePrompt} />
          </div>
        </>
      )}
    </>
  );
}

function PromptField({ example }: { readonly example: string }): JSX.Element {
  const field = useField("data.train.prompt");
  return <LongTextField field={field} rows={field.help?.rows ?? 2} placeholder={example} />;
}

/** Names of the classes, separated by commas. */
function ClassNames({ names }: { readonly names: readonly string[] | null }): JSX.Element {
  const set = useSpec((state) => state.set);
  const typed = useTypedText({
    value: names?.join(", ") ?? "",
    commit: (text) => {
      const list = text.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
      set("data.train.label_names", list.length === 0 ? undefined : list);
    },
    when: "each_key",
  });
  return <TextInput {...typed.input} label={COLUMNS.classNames} size="xs" placeholder={COLUMNS.classNamesExample} />;
}

/** "auto" is the default of the format. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== "auto";
}

function columnsText(columns: Readonly<Partial<Record<ColumnRole, string>>>): string {
  return Object.entries(columns)
    .map(([role, column]) => `${COLUMNS.roles[role as ColumnRole]}: ${column}`)
    .join(" · ");
}
