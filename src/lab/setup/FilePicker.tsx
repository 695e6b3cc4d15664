/** @file Chooses a data file with a button or by dropping it. The file goes to the worker, never to a server. */
import { Button, FileButton } from "@mantine/core";
import { useState, type JSX } from "react";
import { useLab, useSpec } from "../shell/app/labContext.ts";
import { bytes } from "../support/format.ts";
import { useFileDrop } from "../ui/useFileDrop.ts";
import { FILE } from "./copy.ts";
import css from "./field.module.css";

const ACCEPT = ".json,.jsonl,.ndjson,.csv,.tsv,.parquet,.txt";

interface FilePickerProps {
  /** The field of the spec that takes the file. */
  readonly target: string;
  /** What it takes: a source of rows, or the file's name alone. */
  readonly takes?: "source" | "name";
}

export function FilePicker({ target, takes = "source" }: FilePickerProps): JSX.Element {
  const lab = useLab();
  const set = useSpec((state) => state.set);
  const [chosen, setChosen] = useState<{ readonly file: File; readonly name: string } | null>(null);
  const choose = async (file: File | null): Promise<void> => {
    if (file === null) return;
    const name = await lab.inputs.attachFile(file);
    setChosen({ file, name });
    set(target, takes === "name" ? name : { source: "file", path: name });
  };
  const drop = useFileDrop((event) => void choose(event.dataTransfer.files.item(0)));
  return (
    <div className={css.drop} data-over={drop.over} data-testid="file-drop" {...drop.target}>
      <div className={css.dropLine}>
        <FileButton onChange={(file) => void choose(file)} accept={ACCEPT}>
          {(props) => (
            <Button {...props} variant="default" size="xs">
              {chosen === null ? FILE.choose : FILE.chooseAnother}
            </Button>
          )}
        </FileButton>
        <span>{chosen === null ? FILE.orDrop : `${chosen.file.name}, ${bytes(chosen.file.size)}`}</span>
      </div>
      {chosen !== null && chosen.name !== chosen.file.name && (
        <p className={css.help} role="status">
          {FILE.renamed(chosen.file.name, chosen.name)}
        </p>
      )}
      <p className={css.help}>{FILE.privacy}</p>
    </div>
  );
}
