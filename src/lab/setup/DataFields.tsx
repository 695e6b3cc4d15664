/** @file The training rows: the apothecary world, a file, a dataset on the Hub, or pasted text. */
import { SegmentedControl } from "@mantine/core";
import type { JSX } from "react";
import { useSpec } from "../shell/app/labContext.ts";
import type { Json } from "../support/json.ts";
import { DATA } from "./copy.ts";
import { Fields } from "./Field.tsx";
import css from "./field.module.css";
import { FilePicker } from "./FilePicker.tsx";
import { useFieldValue } from "./useField.ts";

const SOURCES = ["apothecary", "file", "hub", "text"] as const;
type Source = (typeof SOURCES)[number];

/** The section `data.train` right after a source is chosen. Missing values are reported next to their fields. */
const INITIAL: Readonly<Record<Source, Json>> = {
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
        onChange={(value) => set("data.train", INITIAL[SOURCES.find((one) => one === value) ?? "apothecary"])}
        data={SOURCES.map((value) => ({ value, label: DATA.sources[value] }))}
        aria-label={DATA.source}
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
          <p className={css.note}>{DATA.apothecaryNote}</p>
          <Fields path="data.train" names={["task", "n", "harmful_ratio"]} />
        </>
      );
    case "file":
      return (
        <>
          <FilePicker target="data.train" />
          <Fields path="data.train" names={["path", "format"]} />
        </>
      );
    case "hub":
      return <Fields path="data.train" names={["repo", "config", "split", "revision", "format"]} />;
    case "text":
      return <Fields path="data.train" names={["text", "format"]} />;
  }
}
