/** @file Loads the panel "Diagnostics" when it is first opened. */
import { lazy, Suspense, type JSX } from "react";
import { usePanel } from "./diagnosticsContext.ts";

const DiagnosticsPanel = lazy(() => import("./DiagnosticsPanel.tsx"));

export function DiagnosticsWhenOpen(): JSX.Element | null {
  const open = usePanel((panel) => panel.open !== null);
  return open ? (
    <Suspense fallback={null}>
      <DiagnosticsPanel />
    </Suspense>
  ) : null;
}
