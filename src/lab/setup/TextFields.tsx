/** @file Fields of the spec that hold text: a name, a long text, a list of lines. */
import { Textarea, TextInput } from "@mantine/core";
import type { JSX } from "react";
import { useTypedText } from "../ui/useTypedText.ts";
import { FIELD } from "./copy.ts";
import { FieldRow } from "./FieldRow.tsx";
import type { FieldState } from "./useField.ts";

const MONO = { input: { fontFamily: "var(--mono)", fontSize: "0.78rem" } };

/** Set with Enter or on blur: the name is looked up on a server, and a partial name would not be found. */
export function NameField({ field }: { readonly field: FieldState }): JSX.Element {
  const { help, shown, set, input } = field;
  const value = typeof shown === "string" ? shown : "";
  const typed = useTypedText({
    value,
    commit: (text) => {
      if (text.trim() !== value) set(text.trim() === "" ? undefined : text.trim());
    },
    when: "done",
  });
  const hideProblem = typed.typing || value === "";
  return (
    <FieldRow field={field} help={help?.help} stacked hideProblem={hideProblem}>
      <TextInput
        {...input}
        {...typed.input}
        error={input.error && !hideProblem}
        placeholder={help?.example}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        styles={MONO}
      />
    </FieldRow>
  );
}

interface LongTextFieldProps {
  readonly field: FieldState;
  readonly rows: number;
  readonly placeholder?: string;
}

export function LongTextField({ field, rows, placeholder }: LongTextFieldProps): JSX.Element {
  const { help, shown, set, input } = field;
  return (
    <FieldRow field={field} help={help?.help} stacked>
      <Textarea
        {...input}
        rows={rows}
        placeholder={placeholder}
        value={typeof shown === "string" ? shown : ""}
        onChange={(event) => set(event.currentTarget.value === "" ? undefined : event.currentTarget.value)}
        spellCheck={false}
        styles={MONO}
      />
    </FieldRow>
  );
}

interface LinesFieldProps {
  readonly field: FieldState;
  readonly rows: number;
}

/** A list of short texts, one per line. */
export function LinesField({ field, rows }: LinesFieldProps): JSX.Element {
  const { help, written, shown, set, input } = field;
  const lines: readonly unknown[] = Array.isArray(shown) ? shown : [];
  const typed = useTypedText({
    value: lines.join("\n"),
    commit: (text) => {
      const list = text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
      set(list.length === 0 ? undefined : list);
    },
    when: "each_key",
  });
  const reset = { label: FIELD.restoreDefault, onClick: () => set(undefined) };
  return (
    <FieldRow
      field={field}
      help={FIELD.onePerLine(help?.help ?? "")}
      stacked
      reset={written === undefined ? undefined : reset}
    >
      <Textarea {...input} {...typed.input} rows={rows} spellCheck={false} styles={MONO} />
    </FieldRow>
  );
}
