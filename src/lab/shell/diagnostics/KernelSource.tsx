/** @file The WGSL of a kernel as it was compiled, scrolled to the entry point of the chosen row. */
import { Button } from "@mantine/core";
import { useEffect, useRef, useState, type JSX } from "react";
import { constantsText, entryAt, kernelName, type SourcedRow } from "../../../experiment/measure/kernelSources.ts";
import { SideDialog } from "../../ui/SideDialog.tsx";
import { copyText } from "../../support/clipboard.ts";
import { KERNEL_SOURCE } from "./copy.ts";
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
      about={KERNEL_SOURCE.about(row.source, constants)}
      testId="kernel-source"
      wide
      onClose={onClose}
    >
      <p className={css.sourceTools}>
        <Button variant="default" size="compact-xs" onClick={() => void copyText(wgsl).then(() => setCopied(true))}>
          {copied ? KERNEL_SOURCE.copied : KERNEL_SOURCE.copy}
        </Button>
        <span role="status">{copied ? KERNEL_SOURCE.copiedHint : KERNEL_SOURCE.hint}</span>
      </p>
      <pre className={css.source} tabIndex={0} role="region" aria-label={KERNEL_SOURCE.label(row.source)}>
        <code>
          {wgsl.slice(0, at)}
          <mark ref={entry}>{wgsl.slice(at, end)}</mark>
          {wgsl.slice(end)}
        </code>
      </pre>
    </SideDialog>
  );
}
