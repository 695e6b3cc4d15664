/** @file Which rows: the apothecary world, a file, a dataset of the hub, or pasted text. */
import { SegmentedControl } from "@mantine/core";
import type { JSX } from "react";
import { useSpec } from "../shell/app/labContext.ts";
import type { Json } from "../support/json.ts";
import { CommitField } from "./CommitField.tsx";
import { Field, useFieldValue } from "./Field.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { LongTextField } from "./LongTextField.tsx";
import { CHOICE_LABELS } from "./sections.ts";
import css from "./setup.module.css";

const SOURCES = ["apothecary", "file", "hub", "text"] as const;
type Source = (typeof SOURCES)[number];

/** What a source begins with when it is chosen; what is missing is named beside its field. */
const FIRST: Readonly<Record<Source, Json>> = {
  apothecary: { source: "apothecary" },
  file: { source: "file", path: "" },
  hub: { source: "hub", repo: "" },
  text: { source: "text", text: "" },
};

export function DataFields(): JSX.Element {
  const set = useSpec((state) => state.set);
  const { shown } = useFieldValue("data.train.source");
  const path = useFieldValue("data.train.path").shown;
  const source: Source = SOURCES.find((one) => one === shown) ?? (path === undefined ? "apothecary" : "file");
  return (
    <>
      <SegmentedControl
        fullWidth
        size="sm"
        mt={4}
        value={source}
        onChange={(value) => set("data.train", FIRST[SOURCES.find((one) => one === value) ?? "apothecary"])}
        data={SOURCES.map((value) => ({ value, label: CHOICE_LABELS[`data.train.source=${value}`] ?? value }))}
        aria-label="Source of the training rows"
      />
      <SourceFields source={source} />
    </>
  );
}

function SourceFields({ source }: { readonly source: Source }): JSX.Element {
  switch (source) {
    case "apothecary":
      return (
        <>
          <p className={css.methodNote}>
            A synthetic world: recipes for harmless and harmful brews, refusals, and three small tasks. Harms nobody,
            and every answer can be judged exactly.
          </p>
          <Field path="data.train.task" />
          <Field path="data.train.n" />
          <Field path="data.train.harmful_ratio" />
        </>
      );
    case "file":
      return (
        <>
          <FilePicker />
          <Field path="data.train.path" />
          <Field path="data.train.format" />
        </>
      );
    case "hub":
      return (
        <>
          <CommitField path="data.train.repo" placeholder="owner/name" />
          <CommitField path="data.train.config" />
          <CommitField path="data.train.split" placeholder="train" />
          <CommitField path="data.train.revision" />
          <Field path="data.train.format" />
        </>
      );
    case "text":
      return (
        <>
          <LongTextField path="data.train.text" rows={8} />
          <Field path="data.train.format" />
        </>
      );
  }
}
