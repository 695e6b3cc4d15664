/** @file A field of the spec that holds a text of several lines. */
import { Textarea } from "@mantine/core";
import { useId, type JSX } from "react";
import { helpFor } from "../../experiment/spec/specHelp.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { useFieldValue } from "./Field.tsx";
import css from "./setup.module.css";

export interface LongTextFieldProps {
  readonly path: string;
  readonly rows: number;
  readonly placeholder?: string;
}

export function LongTextField({ path, rows, placeholder }: LongTextFieldProps): JSX.Element {
  const id = useId();
  const { shown } = useFieldValue(path);
  const set = useSpec((state) => state.set);
  const draft = useSpec((state) => state.draft);
  const check = useSpec((state) => state.check);
  const help = helpFor(path, draft);
  const problem = check.kind === "invalid" ? check.problems.find((candidate) => candidate.path === path) : undefined;
  return (
    <div className={css.row} data-stacked="true" data-path={path}>
      <div>
        <label className={css.label} htmlFor={id}>
          {help?.title ?? path}
        </label>
        <p className={css.help} id={`${id}-help`}>
          {help?.help}
        </p>
      </div>
      <Textarea
        id={id}
        rows={rows}
        placeholder={placeholder}
        value={typeof shown === "string" ? shown : ""}
        onChange={(event) => set(path, event.currentTarget.value === "" ? undefined : event.currentTarget.value)}
        error={problem !== undefined}
        aria-describedby={`${id}-help`}
        spellCheck={false}
        styles={{ input: { fontFamily: "var(--mono)", fontSize: "0.78rem" } }}
      />
      {problem && (
        <p className={css.problem} role="alert">
          {problem.message}. {problem.fix}
        </p>
      )}
    </div>
  );
}
