/**
 * @file Which column plays which part: what was recognised, and a choice for each part. A choice goes into the spec
 * (data.train.columns); what is not chosen stays with the guess.
 */
import { Button, Select, TextInput } from "@mantine/core";
import { useState, type JSX } from "react";
import type { ColumnAccount } from "../../experiment/data/runData.ts";
import type { ColumnRole, RowFormat } from "../../text/data/mapping.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { LongTextField } from "../setup/LongTextField.tsx";
import { getPath } from "../support/json.ts";
import css from "./data.module.css";

const ROLES: Readonly<Record<RowFormat, readonly ColumnRole[]>> = {
  instruction: ["instruction", "input", "output", "system", "harmful"],
  chat: ["messages", "system"],
  tokens: ["input_ids", "labels"],
  text: ["text"],
};

const TITLES: Readonly<Record<ColumnRole, string>> = {
  instruction: "User asks",
  input: "Input",
  output: "Answer (learnt)",
  system: "System",
  messages: "Messages",
  text: "Text (learnt)",
  input_ids: "Token ids",
  labels: "Token labels",
  harmful: "Marks harmful rows",
};

const FORMATS: readonly { readonly value: RowFormat; readonly label: string }[] = [
  { value: "instruction", label: "question, answer" },
  { value: "chat", label: "conversation" },
  { value: "text", label: "free text" },
  { value: "tokens", label: "token ids" },
];

export interface MappingPanelProps {
  readonly columns: readonly string[];
  /** null where no mapping fits. */
  readonly account: ColumnAccount | null;
}

export function MappingPanel({ columns, account }: MappingPanelProps): JSX.Element {
  const set = useSpec((state) => state.set);
  const train = useSpec(({ draft }) => getPath(draft, "data.train"));
  const [opened, setOpened] = useState(false);
  const mapping = account?.mapping ?? null;
  const open = opened || mapping === null;
  const written = getPath(train, "format");
  const format: RowFormat = mapping?.format ?? FORMATS.find(({ value }) => value === written)?.value ?? "instruction";
  const changed =
    ["columns", "prompt", "label_names"].some((key) => getPath(train, key) !== undefined) ||
    (written !== undefined && written !== "auto");
  const reset = (): void => {
    for (const key of ["columns", "prompt", "label_names", "format"]) set(`data.train.${key}`, undefined);
  };
  const shown = (role: ColumnRole): string => {
    const own = getPath(train, `columns.${role}`);
    return mapping?.columns[role] ?? (typeof own === "string" ? own : "");
  };
  return (
    <section className={css.mapping} aria-label="Columns" data-testid="mapping">
      <div className={css.mappingHead}>
        <span>
          {mapping === null ? (
            "Say which column is what"
          ) : (
            <>
              Columns {changed ? "as you chose" : "recognised"}: <b>{mapping.recognised}</b>
            </>
          )}
          {mapping !== null && !open && <span className={css.mappingLine}>{line(mapping.columns)}</span>}
        </span>
        <span>
          {changed && (
            <Button variant="subtle" size="compact-xs" onClick={reset}>
              Back to the guess
            </Button>
          )}
          {mapping !== null && (
            <Button variant="default" size="compact-xs" aria-expanded={open} onClick={() => setOpened(!open)}>
              {open ? "Close" : "Change"}
            </Button>
          )}
        </span>
      </div>
      {open && (
        <div className={css.mappingFields} onFocus={() => setOpened(true)}>
          <Select
            label="A row is"
            size="xs"
            allowDeselect={false}
            data={[...FORMATS]}
            value={format}
            onChange={(next) => {
              set("data.train.columns", undefined);
              set("data.train.format", next ?? undefined);
            }}
          />
          {ROLES[format].map((role) => (
            <Select
              key={role}
              label={TITLES[role]}
              size="xs"
              allowDeselect={false}
              data={[
                { value: "", label: "no column" },
                ...columns.filter((column) => column !== "").map((column) => ({ value: column, label: column })),
              ]}
              value={shown(role)}
              onChange={(next) => set(`data.train.columns.${role}`, next === "" ? null : (next ?? undefined))}
            />
          ))}
          {format === "instruction" && <ClassNames names={mapping?.labelNames ?? null} />}
          {format === "instruction" && (
            <div className={css.mappingWide}>
              <LongTextField
                path="data.train.prompt"
                rows={2}
                placeholder={
                  mapping?.prompt ??
                  columns
                    .slice(0, 2)
                    .map((column) => `{${column}}`)
                    .join("\n")
                }
              />
            </div>
          )}
        </div>
      )}
    </section>
  );
}

/** Texts of class numbers, parted by commas. */
function ClassNames({ names }: { readonly names: readonly string[] | null }): JSX.Element {
  const set = useSpec((state) => state.set);
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextInput
      label="Class names, from 0"
      size="xs"
      placeholder="negative, positive"
      value={typed ?? names?.join(", ") ?? ""}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        const list = event.currentTarget.value
          .split(",")
          .map((name) => name.trim())
          .filter((name) => name !== "");
        set("data.train.label_names", list.length === 0 ? undefined : list);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

function line(columns: Readonly<Partial<Record<ColumnRole, string>>>): string {
  return Object.entries(columns)
    .map(([role, column]) => `${TITLES[role as ColumnRole]}: ${column}`)
    .join(" · ");
}
