/** @file The panel "This page" is fetched when it is opened for the first time. */
import { lazy, Suspense, type JSX } from "react";
import { usePanel } from "./panelStore.ts";

const SitePanel = lazy(() => import("./DiagnosticsPanel.tsx"));

export function DiagnosticsWhenOpen(): JSX.Element | null {
  const open = usePanel((panel) => panel.open !== null);
  return open ? (
    <Suspense fallback={null}>
      <SitePanel />
    </Suspense>
  ) : null;
}
