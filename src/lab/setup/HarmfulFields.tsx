/** @file Harmful requests: where they come from, and which judges decide whether an answer is harmful. */
import { SegmentedControl, Select } from "@mantine/core";
import type { JSX } from "react";
import { judgeFor, judgeNamed, judges, judgesOf, type JudgeKind } from "../../eval/judges/registry.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { getPath, type Json } from "../support/json.ts";
import { HARMFUL } from "./copy.ts";
import { Field, Fields } from "./Field.tsx";
import css from "./field.module.css";
import { FieldRow } from "./FieldRow.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { useApothecaryWorld, useField, useProblem, useSectionValue } from "./useField.ts";

const SOURCES = ["none", "apothecary", "file"] as const;
type Source = (typeof SOURCES)[number];

/** `eval.harmful` right after a source is chosen. */
const INITIAL: Readonly<Record<Source, Json>> = {
  none: null,
  apothecary: { source: "apothecary" },
  file: { source: "file", path: "" },
};

export function HarmfulFields(): JSX.Element {
  const set = useSpec((state) => state.set);
  const source = useSource();
  const world = useApothecaryWorld();
  return (
    <>
      <p className={css.groupLabel} id="harmful-source" style={{ marginTop: 14 }}>
        {HARMFUL.source}
      </p>
      <SegmentedControl
        fullWidth
        size="xs"
        value={source}
        onChange={(value) => set("eval.harmful", INITIAL[SOURCES.find((one) => one === value) ?? "none"])}
        data={SOURCES.map((value) => ({ value, label: HARMFUL.sources[value] }))}
        aria-labelledby="harmful-source"
      />
      {source === "none" && <p className={css.note}>{HARMFUL.none}</p>}
      {source === "apothecary" && !world && <p className={css.note}>{HARMFUL.otherWorld}</p>}
      {source === "file" && (
        <>
          <FilePicker target="eval.harmful" />
          <Fields path="eval.harmful" names={["path", "column"]} />
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

function JudgeFields({ path, source }: JudgeProps): JSX.Element {
  const second = path === "eval.harmful.second_judge";
  const kindField = useField(`${path}.kind`);
  const problem = useProblem(path);
  const field = { ...kindField, problem: problem?.path === path ? problem : kindField.problem };
  const set = useSpec((state) => state.set);
  const requests = source === "apothecary" ? "apothecary" : "any";
  const fallback: JudgeKind = judgeFor(requests).kind;
  // As set, or else as it follows from the other settings; null for none.
  const kind = judges.find((judge) => judge.kind === field.shown)?.kind ?? (second ? null : fallback);
  const offered = judgesOf(requests);
  const choose = (value: string | null): void => {
    const next = offered.find((judge) => judge.kind === value)?.kind;
    set(path, next === undefined || (!second && next === fallback) ? undefined : { kind: next });
  };
  return (
    <>
      <FieldRow
        field={field}
        title={second ? HARMFUL.secondJudge : HARMFUL.judge}
        help={kind === null ? HARMFUL.secondJudgeHelp : judgeNamed(kind).note}
        stacked
      >
        <Select
          {...field.input}
          data={[
            ...(second ? [{ value: "none", label: HARMFUL.noSecondJudge }] : []),
            ...offered.map(({ kind: value, title }) => ({ value, label: title })),
          ]}
          value={kind ?? "none"}
          allowDeselect={false}
          onChange={choose}
        />
      </FieldRow>
      {kind !== null && <Fields path={path} names={Object.keys(judgeNamed(kind).options)} />}
    </>
  );
}

function useSource(): Source {
  const value = useSectionValue("eval.harmful");
  if (typeof value !== "object" || value === null) return "none";
  return getPath(value, "source") === "file" ? "file" : "apothecary";
}
