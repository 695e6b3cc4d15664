/** @file Choosing a dataset file: a button, or dropped onto the box. The file itself goes to the worker, never to a server. */
import { Button, FileButton } from "@mantine/core";
import { useState, type DragEvent, type JSX } from "react";
import { useLab, useSpec } from "../shell/app/labContext.ts";
import { bytes } from "../support/format.ts";
import css from "./setup.module.css";

const ACCEPT = ".json,.jsonl,.ndjson,.csv,.tsv,.parquet,.txt";

/** @param target the field of the spec that takes the file */
export function FilePicker({
  target = "data.train",
}: {
  readonly target?: "data.train" | "eval.task" | "eval.harmful" | "method.safety_rows";
}): JSX.Element {
  const lab = useLab();
  const set = useSpec((state) => state.set);
  const [chosen, setChosen] = useState<File | null>(null);
  const [over, setOver] = useState(false);
  const choose = (file: File | null): void => {
    if (file === null) return;
    lab.attach(file);
    setChosen(file);
    set(target, target === "method.safety_rows" ? file.name : { source: "file", path: file.name });
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    choose(event.dataTransfer.files.item(0));
  };
  return (
    <div
      className={css.drop}
      data-over={over}
      data-testid="file-drop"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div className={css.dropLine}>
        <FileButton onChange={choose} accept={ACCEPT}>
          {(props) => (
            <Button {...props} variant="default" size="xs">
              {chosen === null ? "Choose a file" : "Choose another"}
            </Button>
          )}
        </FileButton>
        <span>
          {chosen === null
            ? "or drop it here: JSON, JSON Lines, CSV, Parquet, text"
            : `${chosen.name}, ${bytes(chosen.size)}`}
        </span>
      </div>
      <p className={css.help}>
        It is read in this tab and stays on this machine. A link carries its name, not its rows: whoever opens the link
        chooses their own copy.
      </p>
    </div>
  );
}
