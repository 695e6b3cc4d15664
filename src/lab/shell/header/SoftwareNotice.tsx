/** @file On a software adapter: what that means, and what to do. Said once, calmly; nothing is wrong. */
import { useState, type JSX } from "react";
import { useDevice, useRun } from "../app/labContext.ts";
import { isActive } from "../../run/runState.ts";
import { Hints } from "./NoGpu.tsx";
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
    <section className={css.software} aria-label="Software adapter" data-testid="software-notice">
      <p>
        <strong>The processor stands in for a graphics card.</strong> This browser offers no hardware GPU, only{" "}
        {device.device.name}. Every number is as right as on a GPU; a step takes many times longer. The bundled models
        are made for this; models of the hub are too slow here. Setup tells how long training takes once a step has been
        measured.
      </p>
      <details>
        <summary>Get the GPU of this computer</summary>
        <Hints />
      </details>
      <button type="button" className={css.closeNotice} onClick={close}>
        Understood
      </button>
    </section>
  );
}

/** A browser that blocks storage shows the notice at each visit. */
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
    // Shown again at the next visit.
  }
}
