/** @file A field of the spec that holds a list of short texts: one a line. */
import { Textarea } from "@mantine/core";
import { useId, useState, type JSX } from "react";
import { helpFor } from "../../experiment/spec/specHelp.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { UndoIcon } from "../ui/icons.tsx";
import { useFieldValue } from "./Field.tsx";
import css from "./setup.module.css";

export function LinesField({ path, rows }: { readonly path: string; readonly rows: number }): JSX.Element {
  const id = useId();
  const { written, shown } = useFieldValue(path);
  const set = useSpec((state) => state.set);
  const draft = useSpec((state) => state.draft);
  const problem = useSpec(({ check }) =>
    check.kind === "invalid"
      ? check.problems.find((candidate) => candidate.path === path || candidate.path.startsWith(`${path}.`))
      : undefined,
  );
  // Blank lines and spaces stay for as long as the field has the focus.
  const [typed, setTyped] = useState<string | null>(null);
  const help = helpFor(path, draft);
  const lines: readonly unknown[] = Array.isArray(shown) ? shown : [];
  return (
    <div className={css.row} data-stacked="true" data-path={path}>
      <div>
        <label className={css.label} htmlFor={id}>
          {help?.title ?? path}
        </label>
        <p className={css.help} id={`${id}-help`}>
          {help?.help} One a line.
        </p>
      </div>
      <div className={css.control}>
        <Textarea
          id={id}
          rows={rows}
          value={typed ?? lines.join("\n")}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            const list = event.currentTarget.value
              .split("\n")
              .map((line) => line.trim())
              .filter((line) => line !== "");
            set(path, list.length === 0 ? undefined : list);
          }}
          onBlur={() => setTyped(null)}
          error={problem !== undefined}
          aria-describedby={`${id}-help`}
          spellCheck={false}
          styles={{ input: { fontFamily: "var(--mono)", fontSize: "0.78rem" } }}
        />
        {written !== undefined && (
          <button type="button" className={css.reset} onClick={() => set(path, undefined)}>
            <UndoIcon />
            default
          </button>
        )}
      </div>
      {problem && (
        <p className={css.problem} role="alert">
          {problem.message}. {problem.fix}
        </p>
      )}
    </div>
  );
}
