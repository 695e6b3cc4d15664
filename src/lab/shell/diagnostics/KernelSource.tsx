/** @file The text of a kernel as the device compiled it, open at the entry point of the row it was asked for from. */
import { Button } from "@mantine/core";
import { useEffect, useRef, useState, type JSX } from "react";
import { constantsText, entryAt, kernelName, type SourcedRow } from "../../../experiment/measure/kernelSources.ts";
import { SideDialog } from "../../ui/SideDialog.tsx";
import { copyText } from "../../support/clipboard.ts";
import css from "./profile.module.css";

interface KernelSourceProps {
  readonly row: SourcedRow;
  readonly wgsl: string;
  readonly onClose: () => void;
}

export function KernelSource({ row, wgsl, onClose }: KernelSourceProps): JSX.Element {
  const entry = useRef<HTMLElement>(null);
  const [copied, setCopied] = useState(false);
  const at = entryAt(wgsl, row.entry);
  const end = wgsl.indexOf("{", at) + 1;
  const constants = constantsText(row.constants);
  useEffect(() => {
    entry.current?.scrollIntoView({ block: "center" });
  }, []);
  return (
    <SideDialog
      title={kernelName(row)}
      about={constants === "" ? row.source : `${row.source}, with ${constants}`}
      testId="kernel-source"
      wide
      onClose={onClose}
    >
      <p className={css.sourceTools}>
        <Button variant="default" size="compact-xs" onClick={() => void copyText(wgsl).then(() => setCopied(true))}>
          {copied ? "Copied" : "Copy the source"}
        </Button>
        <span role="status">
          {copied
            ? "It is in the clipboard."
            : "WGSL as it was compiled; the marked lines are where this kernel begins."}
        </span>
      </p>
      <pre className={css.source} tabIndex={0} role="region" aria-label={`WGSL of ${row.source}`}>
        <code>
          {wgsl.slice(0, at)}
          <mark ref={entry}>{wgsl.slice(at, end)}</mark>
          {wgsl.slice(end)}
        </code>
      </pre>
    </SideDialog>
  );
}
