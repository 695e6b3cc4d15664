/** @file A line at the top when something has gone wrong that nobody has caught: what, that the rest goes on, details to copy. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useStore } from "zustand";
import { CopyDetails } from "../../ui/CopyDetails.tsx";
import { defects } from "./uncaughtErrorStore.ts";
import css from "../../setup/setup.module.css";

export function UncaughtErrorBanner(): JSX.Element | null {
  const seen = useStore(defects, (state) => state.uncaughtErrors);
  const dismiss = useStore(defects, (state) => state.dismiss);
  const last = seen.at(-1);
  if (last === undefined) return null;
  const times = seen.reduce((sum, one) => sum + one.times, 0);
  return (
    <div className={css.banner} role="alert" data-testid="defect">
      <p>
        <strong>{last.failure.what}.</strong> {times > 1 && `Seen ${times} times. `}
        What you have set up and every finished run are kept. If something no longer answers, reload the page.
      </p>
      <div className={css.bannerTools}>
        <CopyDetails failure={last.failure} details={{ defects: seen }} />
        <Button variant="default" size="xs" onClick={() => window.location.reload()}>
          Reload
        </Button>
        <Button variant="default" size="xs" onClick={dismiss}>
          Close
        </Button>
      </div>
    </div>
  );
}
