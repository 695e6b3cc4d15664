/** @file "This page": device, offline copy, network. */
import { useEffect, useRef, type JSX } from "react";
import { SideDialog } from "../../ui/SideDialog.tsx";
import { DevicePart } from "./DevicePart.tsx";
import { NetworkPart } from "./NetworkPart.tsx";
import { OfflinePart } from "./OfflinePart.tsx";
import { usePanel } from "./panelStore.ts";
import css from "./diagnostics.module.css";

export default function DiagnosticsPanel(): JSX.Element {
  const parts = useRef<HTMLDivElement>(null);
  const part = usePanel((state) => state.open);
  const close = usePanel((state) => state.close);
  useEffect(() => {
    if (part !== null) parts.current?.querySelector(`[data-part="${part}"]`)?.scrollIntoView({ block: "start" });
  }, [part]);
  return (
    <SideDialog title="This page" testId="site-panel" onClose={close}>
      <div ref={parts} className={css.parts}>
        <section data-part="device">
          <h3>Device</h3>
          <DevicePart />
        </section>
        <section data-part="offline">
          <h3>Without a network</h3>
          <OfflinePart />
        </section>
        <section data-part="network">
          <h3>What was fetched, and whether anything was sent</h3>
          <NetworkPart />
        </section>
      </div>
    </SideDialog>
  );
}
