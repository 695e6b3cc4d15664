/** @file The frame of a field: label and help, the control, a button that restores the default, the problem. */
import type { JSX, ReactNode } from "react";
import { CopyDetails } from "../ui/CopyDetails.tsx";
import { UndoIcon } from "../ui/icons.tsx";
import { FIELD } from "./copy.ts";
import css from "./field.module.css";
import type { SpecProblem } from "./specStore.ts";
import type { FieldState } from "./useField.ts";

interface FieldRowProps {
  readonly field: FieldState;
  /** Replaces the title from the schema. */
  readonly title?: string;
  readonly help: ReactNode;
  /** The control below the label instead of beside it. */
  readonly stacked?: boolean;
  /** Shown below the control; absent if the field has its default. */
  readonly reset?: { readonly label: string; readonly onClick: () => void } | undefined;
  /** A required field that is still empty needs no error message yet. */
  readonly hideProblem?: boolean;
  readonly children: ReactNode;
}

export function FieldRow({
  field: { path, help: known, problem, input },
  title = known?.title ?? path,
  help,
  stacked = false,
  reset,
  hideProblem = false,
  children,
}: FieldRowProps): JSX.Element {
  return (
    <div className={css.row} data-stacked={stacked} data-path={path}>
      <div>
        <label className={css.label} htmlFor={input.id}>
          {title}
        </label>
        <p className={css.help} id={`${input.id}-help`}>
          {help}
        </p>
      </div>
      <div className={css.control}>
        {children}
        {reset && (
          <button type="button" className={css.reset} onClick={reset.onClick}>
            <UndoIcon />
            {reset.label}
          </button>
        )}
      </div>
      {problem && !hideProblem && <ProblemText id={`${input.id}-problem`} problem={problem} />}
    </div>
  );
}

interface ProblemTextProps {
  readonly id?: string;
  readonly problem: SpecProblem;
}

/** What is wrong with a setting, and how to correct it. */
export function ProblemText({ id, problem: { path, message, fix } }: ProblemTextProps): JSX.Element {
  return (
    <div className={css.problem}>
      <p id={id} role="alert">
        {FIELD.problem(message, fix)}
      </p>
      <CopyDetails compact failure={{ what: message, where: path, fix }} />
    </div>
  );
}
