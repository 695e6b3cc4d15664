/** @file A banner for errors that nothing has caught: what happened, with details to copy. */
import { Button } from "@mantine/core";
import type { JSX } from "react";
import { useStore } from "zustand";
import { Banner } from "../../ui/Banner.tsx";
import { CopyDetails } from "../../ui/CopyDetails.tsx";
import { UNCAUGHT_ERROR } from "../copy.ts";
import { uncaughtErrors } from "./uncaughtErrorStore.ts";

export function UncaughtErrorBanner(): JSX.Element | null {
  const seen = useStore(uncaughtErrors, (state) => state.uncaughtErrors);
  const dismiss = useStore(uncaughtErrors, (state) => state.dismiss);
  const last = seen.at(-1);
  if (last === undefined) return null;
  const times = seen.reduce((sum, one) => sum + one.times, 0);
  return (
    <Banner
      tone="bad"
      testId="defect"
      tools={
        <>
          <CopyDetails failure={last.failure} details={{ uncaughtErrors: seen }} />
          <Button variant="default" size="xs" onClick={() => window.location.reload()}>
            {UNCAUGHT_ERROR.reload}
          </Button>
          <Button variant="default" size="xs" onClick={dismiss}>
            {UNCAUGHT_ERROR.dismiss}
          </Button>
        </>
      }
    >
      <strong>{last.failure.what}.</strong> {times > 1 && UNCAUGHT_ERROR.times(times)}
      {UNCAUGHT_ERROR.consequences}
    </Banner>
  );
}
