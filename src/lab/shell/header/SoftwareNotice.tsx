/** @file A notice on software adapters: what to expect, and how to use the GPU. Shown until it is dismissed. */
import { useState, type JSX } from "react";
import { useDevice, useRun } from "../app/labContext.ts";
import { isActive } from "../../run/runState.ts";
import { SOFTWARE_NOTICE } from "../copy.ts";
import { GpuHints } from "./NoGpu.tsx";
import css from "./header.module.css";

const SEEN = "basin-software-notice";

export function SoftwareNotice(): JSX.Element | null {
  const device = useDevice();
  const running = useRun(({ run }) => isActive(run));
  const [closed, setClosed] = useState(wasClosed);
  if (device.kind !== "ready" || !device.device.software || closed || running) return null;
  const close = (): void => {
    rememberClosed();
    setClosed(true);
  };
  return (
    <section className={css.software} aria-label={SOFTWARE_NOTICE.label} data-testid="software-notice">
      <p>
        <strong>{SOFTWARE_NOTICE.title}</strong> {SOFTWARE_NOTICE.text(device.device.name)}
      </p>
      <details>
        <summary>{SOFTWARE_NOTICE.useGpu}</summary>
        <GpuHints />
      </details>
      <button type="button" className={css.closeNotice} onClick={close}>
        {SOFTWARE_NOTICE.dismiss}
      </button>
    </section>
  );
}

/** Without storage, the notice is shown on each visit. */
function wasClosed(): boolean {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return false;
  }
}

function rememberClosed(): void {
  try {
    localStorage.setItem(SEEN, "1");
  } catch {
    // Shown again on the next visit.
  }
}
