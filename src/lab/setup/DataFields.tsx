/** @file Which rows: the apothecary world, or a file chosen here. */
import { Button, FileButton, SegmentedControl } from "@mantine/core";
import { useState, type JSX } from "react";
import { guessFormat } from "../../text/datasets.ts";
import { useLab, useSpec } from "../app/labContext.ts";
import { bytes } from "../support/format.ts";
import { Field, useFieldValue } from "./Field.tsx";
import { CHOICE_LABELS } from "./sections.ts";
import css from "./setup.module.css";

export function DataFields(): JSX.Element {
  const set = useSpec((state) => state.set);
  const { shown } = useFieldValue("data.train.source");
  const path = useFieldValue("data.train.path").shown;
  const source = shown === "apothecary" ? "apothecary" : shown === "file" || path !== undefined ? "file" : "apothecary";
  return (
    <>
      <SegmentedControl
        fullWidth
        size="sm"
        mt={4}
        value={source}
        onChange={(value) => set("data.train", value === "file" ? { source: "file", path: "", format: "instruction" } : { source: "apothecary" })}
        data={["apothecary", "file"].map((value) => ({ value, label: CHOICE_LABELS[`data.train.source=${value}`] ?? value }))}
        aria-label="Source of the training rows"
      />
      {source === "apothecary" ? (
        <>
          <p className={css.methodNote}>A synthetic world: recipes for harmless and harmful brews, refusals, and three small tasks. Harms nobody, and every answer can be judged exactly.</p>
          <Field path="data.train.task" />
          <Field path="data.train.n" />
          <Field path="data.train.harmful_ratio" />
        </>
      ) : (
        <FileFields />
      )}
    </>
  );
}

function FileFields(): JSX.Element {
  const lab = useLab();
  const set = useSpec((state) => state.set);
  const [chosen, setChosen] = useState<File | null>(null);
  const choose = async (file: File | null): Promise<void> => {
    if (file === null) return;
    lab.attach(file);
    setChosen(file);
    const format = guessFormat(await file.slice(0, 2 ** 20).text());
    set("data.train", { source: "file", path: file.name, format: format ?? "instruction" });
  };
  return (
    <>
      <div className={css.row} data-stacked="true">
        <p className={css.help}>The file is read in this tab and stays on this machine. A link carries its name, not its rows: whoever opens the link chooses their own copy.</p>
        <FileButton onChange={(file) => void choose(file)} accept=".json,.jsonl,.ndjson,application/json">
          {(props) => (
            <Button {...props} variant="default" size="xs" style={{ alignSelf: "flex-start", width: "fit-content" }}>
              {chosen === null ? "Choose a file" : `${chosen.name}, ${bytes(chosen.size)}`}
            </Button>
          )}
        </FileButton>
      </div>
      <Field path="data.train.path" />
      <Field path="data.train.format" />
    </>
  );
}
