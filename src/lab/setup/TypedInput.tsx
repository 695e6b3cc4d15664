/** @file A text input for a value of the spec, with its unit. */
import { TextInput } from "@mantine/core";
import type { JSX } from "react";
import { useTypedText } from "../ui/useTypedText.ts";
import css from "./field.module.css";
import type { TextFormat } from "./textFormats.ts";
import type { FieldState } from "./useField.ts";

interface TypedInputProps {
  readonly field: FieldState;
  readonly format: TextFormat;
  readonly unit?: string | undefined;
}

export function TypedInput({ field: { input, shown, set }, format, unit }: TypedInputProps): JSX.Element {
  const { toText, fromText, numeric = false } = format;
  const typed = useTypedText({
    value: toText(shown),
    commit: (text) => set(fromText(text)),
    when: "each_key",
  });
  return (
    <TextInput
      {...input}
      {...typed.input}
      inputMode={numeric ? "decimal" : "text"}
      spellCheck={false}
      autoComplete="off"
      rightSection={unit === undefined ? undefined : <span className={css.unit}>{unit}</span>}
      rightSectionWidth={unit === undefined ? undefined : 14 + 6.5 * unit.length}
      rightSectionPointerEvents="none"
      styles={{
        input: { fontFamily: numeric ? undefined : "var(--mono)", fontSize: numeric ? "0.875rem" : "0.78rem" },
      }}
    />
  );
}
