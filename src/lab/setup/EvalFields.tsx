/** @file What the run measures: the task and how it is scored, harmful requests, harmless requests. */
import { SegmentedControl, Switch } from "@mantine/core";
import type { JSX } from "react";
import { evaluatorNamed } from "../../eval/registry.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { getPath, type Json } from "../support/json.ts";
import { EVALUATION } from "./copy.ts";
import { Field, Fields } from "./Field.tsx";
import css from "./field.module.css";
import { FieldRow } from "./FieldRow.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { HarmfulFields } from "./HarmfulFields.tsx";
import { useApothecaryWorld, useField, useFieldValue, useSectionValue } from "./useField.ts";

const SOURCES = ["none", "apothecary", "held_out", "file", "hub"] as const;
type Source = (typeof SOURCES)[number];

/** `eval.task` right after a source is chosen. */
const INITIAL: Readonly<Record<Source, Json>> = {
  none: null,
  apothecary: { source: "apothecary" },
  held_out: { source: "held_out" },
  file: { source: "file", path: "" },
  hub: { source: "hub", repo: "" },
};

/** Validation split if held-out rows are chosen and none are held out yet. */
const VALIDATION_SPLIT = 0.1;

export function EvalFields(): JSX.Element {
  return (
    <>
      <TaskFields />
      <HarmfulFields />
      <HarmlessRequests />
      <Fields path="eval" names={["every_steps", "sample_prompts"]} />
    </>
  );
}

function TaskFields(): JSX.Element {
  const set = useSpec((state) => state.set);
  const split = useFieldValue("data.selection.validation_split").shown;
  const source = useTaskSource();
  const choose = (value: string): void => {
    const next = SOURCES.find((one) => one === value) ?? "none";
    if (next === "held_out" && (split === 0 || split === undefined))
      set("data.selection.validation_split", VALIDATION_SPLIT);
    set("eval.task", INITIAL[next]);
  };
  return (
    <>
      <p className={css.groupLabel} id="task-source">
        {EVALUATION.taskSource}
      </p>
      <SegmentedControl
        fullWidth
        size="xs"
        value={source}
        onChange={choose}
        data={SOURCES.map((value) => ({ value, label: EVALUATION.taskSources[value] }))}
        aria-labelledby="task-source"
      />
      <SourceFields source={source} />
    </>
  );
}

function SourceFields({ source }: { readonly source: Source }): JSX.Element | null {
  switch (source) {
    case "none":
      return <p className={css.note}>{EVALUATION.noTask}</p>;
    case "apothecary":
      return <Field path="eval.task.n" />;
    case "held_out":
      return <ScoringFields />;
    case "file":
      return (
        <>
          <FilePicker target="eval.task" />
          <Fields path="eval.task" names={["path", "format"]} />
          <ScoringFields />
        </>
      );
    case "hub":
      return (
        <>
          <Fields path="eval.task" names={["repo", "config", "split", "revision", "format"]} />
          <ScoringFields />
        </>
      );
  }
}

/** The scoring rule and its own fields. */
function ScoringFields(): JSX.Element {
  const { shown } = useFieldValue("eval.task.kind");
  const evaluator = evaluatorNamed(String(shown));
  return (
    <>
      <Field path="eval.task.kind" />
      <Fields path="eval.task" names={Object.keys(evaluator?.options ?? {})} />
      <Field path="eval.task.n" />
      {evaluator?.needs !== "losses" && <Field path="eval.task.max_new_tokens" />}
    </>
  );
}

/** Harmless requests: on or off, and how many. */
function HarmlessRequests(): JSX.Element {
  const field = useField("eval.benign");
  const on = useSectionValue("eval.benign") != null;
  const world = useApothecaryWorld();
  const { input, set } = field;
  return (
    <>
      <FieldRow field={field} title={EVALUATION.harmless} help={EVALUATION.harmlessHelp(world, on)}>
        <Switch
          id={input.id}
          checked={on}
          onChange={(event) => set(event.currentTarget.checked ? {} : null)}
          aria-describedby={input["aria-describedby"]}
          style={{ alignSelf: "flex-end" }}
        />
      </FieldRow>
      {on && <Field path="eval.benign.n" />}
    </>
  );
}

/** Where the task's rows come from: as set, or else as it follows from the other settings. */
function useTaskSource(): Source {
  const value = useSectionValue("eval.task");
  if (typeof value !== "object" || value === null) return "none";
  const source = getPath(value, "source");
  return SOURCES.find((one) => one === source) ?? "apothecary";
}
