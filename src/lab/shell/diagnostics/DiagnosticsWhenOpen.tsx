/** @file Loads the panel "Diagnostics" when it is first opened. */
import { Suspense, type JSX } from "react";
import { lazyPart } from "../../ui/lazyPart.tsx";
import { usePanel } from "./diagnosticsContext.ts";

const DiagnosticsPanel = lazyPart(() => import("./DiagnosticsPanel.tsx"));

export function DiagnosticsWhenOpen(): JSX.Element | null {
  const open = usePanel((panel) => panel.open !== null);
  return open ? (
    <Suspense fallback={null}>
      <DiagnosticsPanel />
    </Suspense>
  ) : null;
}
