/** @file The fields of one option of a choice (a judge, an evaluator), drawn from their schemas alone. */
import { Button } from "@mantine/core";
import { useRef, type JSX } from "react";
import { helpFor } from "../../experiment/spec/specHelp.ts";
import { useLab, useSpec } from "../shell/app/labContext.ts";
import { CommitField } from "./CommitField.tsx";
import { Field } from "./Field.tsx";
import { LinesField } from "./LinesField.tsx";
import { foldersOfInput } from "./models/folders.ts";
import css from "./setup.module.css";

const ROWS = 4;

interface OptionFieldsProps {
  /** Of the object that holds the fields. */
  readonly path: string;
  readonly names: readonly string[];
}

/** One control a field, in the order of `names`. */
export function OptionFields({ path, names }: OptionFieldsProps): JSX.Element {
  return (
    <>
      {names.map((name) => (
        <OptionField key={name} path={`${path}.${name}`} />
      ))}
    </>
  );
}

function OptionField({ path }: { readonly path: string }): JSX.Element {
  const help = useSpec(({ draft }) => helpFor(path, draft));
  switch (help?.control) {
    case "lines":
      return <LinesField path={path} rows={help.rows ?? ROWS} />;
    case "model":
      return (
        <>
          <CommitField path={path} placeholder="owner/name or https://…" />
          <ModelFolder path={path} title={help.title} />
        </>
      );
    default:
      return <Field path={path} />;
  }
}

/** A model from a folder of this computer. */
function ModelFolder({ path, title }: { readonly path: string; readonly title: string }): JSX.Element {
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
        aria-label={`Folder of the ${title.toLowerCase()}`}
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
