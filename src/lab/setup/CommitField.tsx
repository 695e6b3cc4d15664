/**
 * @file A text field of the spec that is taken over when it is left or with Enter, not at every key: what it names is
 * asked of a server, and half a name is nobody's dataset.
 */
import { TextInput } from "@mantine/core";
import { useId, useState, type JSX } from "react";
import { helpFor } from "../../experiment/spec/specHelp.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { useFieldValue } from "./Field.tsx";
import css from "./setup.module.css";

export function CommitField({
  path,
  placeholder,
}: {
  readonly path: string;
  readonly placeholder?: string;
}): JSX.Element {
  const id = useId();
  const { shown } = useFieldValue(path);
  const set = useSpec((state) => state.set);
  const draft = useSpec((state) => state.draft);
  const check = useSpec((state) => state.check);
  const [typed, setTyped] = useState<string | null>(null);
  const help = helpFor(path, draft);
  const value = typeof shown === "string" ? shown : "";
  // An empty field that must be filled is no news while it is still being typed.
  const problem =
    check.kind === "invalid" && typed === null && value !== ""
      ? check.problems.find((candidate) => candidate.path === path)
      : undefined;
  const take = (): void => {
    if (typed !== null && typed.trim() !== value) set(path, typed.trim() === "" ? undefined : typed.trim());
    setTyped(null);
  };
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
      <TextInput
        id={id}
        value={typed ?? value}
        placeholder={placeholder}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={take}
        onKeyDown={(event) => {
          if (event.key === "Enter") take();
        }}
        error={problem !== undefined}
        aria-describedby={`${id}-help`}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
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
