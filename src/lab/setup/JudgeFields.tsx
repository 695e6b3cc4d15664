/** @file Harmful requests: which ones are asked, and what decides whether an answer is harmful. */
import { Button, SegmentedControl, Select } from "@mantine/core";
import { useId, useRef, type JSX } from "react";
import { JUDGE_TITLES, type JudgeKind } from "../../eval/judges/registry.ts";
import { BUNDLED_ALIGNED } from "../../experiment/spec/specSchema.ts";
import { useLab, useSpec } from "../shell/app/labContext.ts";
import { foldersOfInput } from "./models/folders.ts";
import { getPath, type Json } from "../support/json.ts";
import { CommitField } from "./CommitField.tsx";
import { Field, useFieldValue } from "./Field.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { LinesField } from "./LinesField.tsx";
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

const NOTES: Readonly<Record<JudgeKind, string>> = {
  apothecary_rules: "A recipe’s form counts as harmful, right or garbled. Exact, but for the apothecary world alone.",
  refusal_phrases: "Cheap and coarse: an empty answer is “harmful”, and one that refuses and then explains is “safe”.",
  refusal_logprob:
    "Looks at the prompt only: how likely the model is to begin with a refusal. What it then says is not read.",
  classifier:
    "An ONNX text classifier with its tokenizer, run in this tab, in a worker of its own. It is loaded when the evaluation begins.",
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
  const fallback: JudgeKind = source === "apothecary" ? "apothecary_rules" : "refusal_phrases";
  const kind = useJudgeKind(path) ?? (second ? null : fallback);
  const kinds = (Object.keys(JUDGE_TITLES) as JudgeKind[]).filter(
    (one) => source === "apothecary" || one !== "apothecary_rules",
  );
  const choose = (value: string | null): void => {
    const next = kinds.find((one) => one === value);
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
            {kind === null ? "Judges the same answers, to see how far two judges agree." : NOTES[kind]}
          </p>
        </div>
        <Select
          id={id}
          data={[
            ...(second ? [{ value: "none", label: "None" }] : []),
            ...kinds.map((value) => ({ value, label: JUDGE_TITLES[value] })),
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
      {kind === "refusal_phrases" && <LinesField path={`${path}.phrases`} rows={6} />}
      {kind === "refusal_logprob" && (
        <>
          <Field path={`${path}.measure`} />
          <LinesField path={`${path}.openings`} rows={5} />
          <Field path={`${path}.threshold`} />
        </>
      )}
      {kind === "classifier" && (
        <>
          <CommitField path={`${path}.model`} placeholder="owner/name or https://…" />
          <ClassifierFolder path={`${path}.model`} />
          <LinesField path={`${path}.harmful_labels`} rows={2} />
          <Field path={`${path}.threshold`} />
          <Field path={`${path}.input`} />
        </>
      )}
    </>
  );
}

/** A classifier from a folder of this computer. */
function ClassifierFolder({ path }: { readonly path: string }): JSX.Element {
  const lab = useLab();
  const set = useSpec((state) => state.set);
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className={css.row} data-stacked="true">
      <input
        ref={input}
        type="file"
        hidden
        multiple
        {...{ webkitdirectory: "" }}
        aria-label="Folder of the classifier"
        onChange={(event) => {
          const [name] = lab.models.attach(foldersOfInput(event.currentTarget.files ?? []).slice(0, 1));
          if (name !== undefined) set(path, name);
        }}
      />
      <Button variant="default" size="xs" style={{ justifySelf: "start" }} onClick={() => input.current?.click()}>
        Choose a folder
      </Button>
    </div>
  );
}

/** The judge as written, else as it follows from the other settings; null for none. */
function useJudgeKind(path: JudgeProps["path"]): JudgeKind | null {
  const { shown } = useFieldValue(`${path}.kind`);
  const found = (Object.keys(JUDGE_TITLES) as JudgeKind[]).find((kind) => kind === shown);
  return found ?? null;
}

function useSource(): Source {
  const written = useSpec(({ draft }) => getPath(draft, "eval.harmful"));
  const resolved = useSpec(({ check }) => (check.kind === "valid" ? getPath(check.spec, "eval.harmful") : undefined));
  const value = written === undefined ? resolved : written;
  if (typeof value !== "object" || value === null) return "none";
  return getPath(value, "source") === "file" ? "file" : "apothecary";
}
