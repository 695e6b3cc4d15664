/** @file A failure as what, where and what to do, with details to copy. */
import { Button } from "@mantine/core";
import { useState, type JSX } from "react";
import type { RunFailure } from "../../experiment/events.ts";
import { useDevice } from "../app/labContext.ts";
import { copyText } from "../support/clipboard.ts";
import css from "./parts.module.css";

export function FailurePanel({ failure, title, details }: { readonly failure: RunFailure; readonly title: string; readonly details?: unknown }): JSX.Element {
  const device = useDevice();
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    const text = JSON.stringify({ failure, device: "device" in device ? device.device : device.kind, browser: navigator.userAgent, basin: __BASIN_VERSION__, details }, null, 2);
    await copyText(text);
    setCopied(true);
  };
  return (
    <section className={css.failure} role="alert">
      <h3>{title}</h3>
      <p className={css.failureWhat}>{failure.what}.</p>
      <p className={css.failureWhere}>{failure.where}</p>
      <p>{failure.fix}</p>
      <Button variant="default" size="xs" onClick={() => void copy()}>
        {copied ? "Copied" : "Copy details"}
      </Button>
    </section>
  );
}
