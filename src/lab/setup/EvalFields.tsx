/** @file What is measured: the task's rows and what counts as right, and the requests that show whether the model is safe. */
import { SegmentedControl, Switch } from "@mantine/core";
import { useId, type JSX } from "react";
import { evaluatorNamed } from "../../eval/registry.ts";
import { BUNDLED_ALIGNED } from "../../experiment/spec/specSchema.ts";
import { useSpec } from "../shell/app/labContext.ts";
import { getPath, type Json } from "../support/json.ts";
import { Field, useFieldValue } from "./Field.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { HarmfulFields } from "./JudgeFields.tsx";
import { LinesField } from "./LinesField.tsx";
import { OptionFields } from "./OptionFields.tsx";
import { CHOICE_LABELS } from "./sections.ts";
import css from "./setup.module.css";

const SOURCES = ["none", "apothecary", "held_out", "file", "hub"] as const;
type Source = (typeof SOURCES)[number];

const FIRST: Readonly<Record<Source, Json>> = {
  none: null,
  apothecary: { source: "apothecary" },
  held_out: { source: "held_out" },
  file: { source: "file", path: "" },
  hub: { source: "hub", repo: "" },
};

/** Share of the rows that is held out when somebody asks for held-out rows and none are. */
const HELD_OUT = 0.1;

export function EvalFields(): JSX.Element {
  return (
    <>
      <TaskFields />
      <HarmfulFields />
      <HarmlessRequests />
      <Field path="eval.every_steps" />
      <LinesField path="eval.sample_prompts" rows={2} />
    </>
  );
}

function TaskFields(): JSX.Element {
  const set = useSpec((state) => state.set);
  const split = useFieldValue("data.selection.validation_split").shown;
  const source = useTaskSource();
  const choose = (value: string): void => {
    const next = SOURCES.find((one) => one === value) ?? "none";
    if (next === "held_out" && (split === 0 || split === undefined)) set("data.selection.validation_split", HELD_OUT);
    set("eval.task", FIRST[next]);
  };
  return (
    <>
      <p className={css.presetLabel} id="task-source">
        The task is examined on
      </p>
      <SegmentedControl
        fullWidth
        size="xs"
        value={source}
        onChange={choose}
        data={SOURCES.map((value) => ({ value, label: CHOICE_LABELS[`eval.task.source=${value}`] ?? value }))}
        aria-labelledby="task-source"
      />
      <SourceFields source={source} />
    </>
  );
}

function SourceFields({ source }: { readonly source: Source }): JSX.Element | null {
  switch (source) {
    case "none":
      return (
        <p className={css.methodNote}>
          The task is not measured: the run shows its loss, but not whether the answers are right.
        </p>
      );
    case "apothecary":
      return <Field path="eval.task.n" />;
    case "held_out":
      return <RowFields />;
    case "file":
      return (
        <>
          <FilePicker target="eval.task" />
          <Field path="eval.task.path" />
          <Field path="eval.task.format" />
          <RowFields />
        </>
      );
    case "hub":
      return (
        <>
          <Field path="eval.task.repo" />
          <Field path="eval.task.config" />
          <Field path="eval.task.split" />
          <Field path="eval.task.revision" />
          <Field path="eval.task.format" />
          <RowFields />
        </>
      );
  }
}

/** What counts as right, with the fields of that rule only. */
function RowFields(): JSX.Element {
  const { shown } = useFieldValue("eval.task.kind");
  const evaluator = evaluatorNamed(String(shown));
  return (
    <>
      <Field path="eval.task.kind" />
      <OptionFields path="eval.task" names={Object.keys(evaluator?.options ?? {})} />
      <Field path="eval.task.n" />
      {evaluator?.needs !== "losses" && <Field path="eval.task.max_new_tokens" />}
    </>
  );
}

/** Harmless requests: on or off, and how many. */
function HarmlessRequests(): JSX.Element {
  const path = "eval.benign";
  const id = useId();
  const set = useSpec((state) => state.set);
  const written = useSpec(({ draft }) => getPath(draft, path));
  const resolved = useSpec(({ check }) => (check.kind === "valid" ? getPath(check.spec, path) : undefined));
  const model = useFieldValue("model.aligned").shown;
  const world = useFieldValue("data.train.source").shown === "apothecary" || model === BUNDLED_ALIGNED;
  const on = (written === undefined ? resolved : written) != null;
  return (
    <>
      <div className={css.row} data-path={path}>
        <div>
          <label className={css.label} htmlFor={id}>
            Harmless requests
          </label>
          <p className={css.help} id={`${id}-help`}>
            Of the apothecary world: the share that is answered.
            {!world &&
              ` Its rules know no other world${on ? ": the figure says nothing about a model that has not learnt it" : ", so this is not measured"}.`}
          </p>
        </div>
        <div className={css.control}>
          <Switch
            id={id}
            checked={on}
            onChange={(event) => set(path, event.currentTarget.checked ? {} : null)}
            aria-describedby={`${id}-help`}
            style={{ alignSelf: "flex-end" }}
          />
        </div>
      </div>
      {on && <Field path={`${path}.n`} />}
    </>
  );
}

/** Where the task's rows come from: as written, else as it follows from the other settings. */
function useTaskSource(): Source {
  const written = useSpec(({ draft }) => getPath(draft, "eval.task"));
  const resolved = useSpec(({ check }) => (check.kind === "valid" ? getPath(check.spec, "eval.task") : undefined));
  const value = written === undefined ? resolved : written;
  if (typeof value !== "object" || value === null) return "none";
  const source = getPath(value, "source");
  return SOURCES.find((one) => one === source) ?? "apothecary";
}
