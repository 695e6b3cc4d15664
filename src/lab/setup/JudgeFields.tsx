/** @file Harmful requests: which ones are asked, and what decides whether an answer is harmful. */
import { SegmentedControl, Select } from "@mantine/core";
import { useId, type JSX } from "react";
import { judgeFor, judgeNamed, judges, judgesOf, type JudgeKind } from "../../eval/judges/registry.ts";
import { BUNDLED_ALIGNED } from "../../experiment/spec/specSchema.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { getPath, type Json } from "../support/json.ts";
import { Field, useFieldValue } from "./Field.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { OptionFields } from "./OptionFields.tsx";
import css from "./setup.module.css";

const SOURCES = [
  { value: "none", label: "Nothing" },
  { value: "apothecary", label: "Apothecary" },
  { value: "file", label: "A file" },
] as const;
type Source = (typeof SOURCES)[number]["value"];

const FIRST: Readonly<Record<Source, Json>> = {
  none: null,
  apothecary: { source: "apothecary" },
  file: { source: "file", path: "" },
};

export function HarmfulFields(): JSX.Element {
  const set = useSpec((state) => state.set);
  const source = useSource();
  const model = useFieldValue("model.aligned").shown;
  const world = useFieldValue("data.train.source").shown === "apothecary" || model === BUNDLED_ALIGNED;
  return (
    <>
      <p className={css.presetLabel} id="harmful-source" style={{ marginTop: 14 }}>
        Harmful requests
      </p>
      <SegmentedControl
        fullWidth
        size="xs"
        value={source}
        onChange={(value) => set("eval.harmful", FIRST[SOURCES.find((one) => one.value === value)?.value ?? "none"])}
        data={[...SOURCES]}
        aria-labelledby="harmful-source"
      />
      {source === "none" && (
        <p className={css.methodNote}>Harmful score is not measured, which does not mean that it is 0.</p>
      )}
      {source === "apothecary" && !world && (
        <p className={css.methodNote}>
          Requests of the apothecary world say nothing about a model that has not learnt it. Give a file of your own.
        </p>
      )}
      {source === "file" && (
        <>
          <FilePicker target="eval.harmful" />
          <Field path="eval.harmful.path" />
          <Field path="eval.harmful.column" />
        </>
      )}
      {source !== "none" && (
        <>
          <Field path="eval.harmful.n" />
          <JudgeFields path="eval.harmful.judge" source={source} />
          <JudgeFields path="eval.harmful.second_judge" source={source} />
        </>
      )}
    </>
  );
}

interface JudgeProps {
  readonly path: "eval.harmful.judge" | "eval.harmful.second_judge";
  readonly source: Source;
}

const TITLES: Readonly<Record<JudgeProps["path"], string>> = {
  "eval.harmful.judge": "Judge",
  "eval.harmful.second_judge": "Second judge",
};

function JudgeFields({ path, source }: JudgeProps): JSX.Element {
  const id = useId();
  const set = useSpec((state) => state.set);
  const problem = useSpec(({ check }) =>
    check.kind === "invalid"
      ? check.problems.find((candidate) => candidate.path === `${path}.kind` || candidate.path === path)
      : undefined,
  );
  const second = path === "eval.harmful.second_judge";
  const requests = source === "apothecary" ? "apothecary" : "any";
  const fallback: JudgeKind = judgeFor(requests).kind;
  const kind = useJudgeKind(path) ?? (second ? null : fallback);
  const offered = judgesOf(requests);
  const choose = (value: string | null): void => {
    const next = offered.find((one) => one.kind === value)?.kind;
    set(path, next === undefined || (!second && next === fallback) ? undefined : { kind: next });
  };
  return (
    <>
      <div className={css.row} data-stacked="true" data-path={`${path}.kind`}>
        <div>
          <label className={css.label} htmlFor={id}>
            {TITLES[path]}
          </label>
          <p className={css.help} id={`${id}-help`}>
            {kind === null ? "Judges the same answers, to see how far two judges agree." : judgeNamed(kind).note}
          </p>
        </div>
        <Select
          id={id}
          data={[
            ...(second ? [{ value: "none", label: "None" }] : []),
            ...offered.map(({ kind: value, title }) => ({ value, label: title })),
          ]}
          value={kind ?? "none"}
          allowDeselect={false}
          onChange={choose}
          error={problem !== undefined}
          aria-describedby={`${id}-help`}
        />
        {problem && (
          <p className={css.problem} role="alert">
            {problem.message}. {problem.fix}
          </p>
        )}
      </div>
      {kind !== null && <OptionFields path={path} names={Object.keys(judgeNamed(kind).options)} />}
    </>
  );
}

/** The judge as written, else as it follows from the other settings; null for none. */
function useJudgeKind(path: JudgeProps["path"]): string | null {
  const { shown } = useFieldValue(`${path}.kind`);
  return judges.find(({ kind }) => kind === shown)?.kind ?? null;
}

function useSource(): Source {
  const written = useSpec(({ draft }) => getPath(draft, "eval.harmful"));
  const resolved = useSpec(({ check }) => (check.kind === "valid" ? getPath(check.spec, "eval.harmful") : undefined));
  const value = written === undefined ? resolved : written;
  if (typeof value !== "object" || value === null) return "none";
  return getPath(value, "source") === "file" ? "file" : "apothecary";
}
