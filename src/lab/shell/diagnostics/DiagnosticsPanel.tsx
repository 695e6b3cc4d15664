/** @file The panel "Diagnostics": device, offline copy, network requests. */
import { useEffect, useRef, type JSX } from "react";
import { SideDialog } from "../../ui/SideDialog.tsx";
import { DIAGNOSTICS } from "./copy.ts";
import { DevicePart } from "./DevicePart.tsx";
import { NetworkPart } from "./NetworkPart.tsx";
import { OfflinePart } from "./OfflinePart.tsx";
import { usePanel } from "./diagnosticsContext.ts";
import css from "./diagnostics.module.css";

export default function DiagnosticsPanel(): JSX.Element {
  const parts = useRef<HTMLDivElement>(null);
  const part = usePanel((state) => state.open);
  const close = usePanel((state) => state.close);
  useEffect(() => {
    if (part !== null) parts.current?.querySelector(`[data-part="${part}"]`)?.scrollIntoView({ block: "start" });
  }, [part]);
  return (
    <SideDialog title={DIAGNOSTICS.title} testId="site-panel" onClose={close}>
      <div ref={parts} className={css.parts}>
        <section data-part="device">
          <h3>{DIAGNOSTICS.device}</h3>
          <DevicePart />
        </section>
        <section data-part="offline">
          <h3>{DIAGNOSTICS.offline}</h3>
          <OfflinePart />
        </section>
        <section data-part="network">
          <h3>{DIAGNOSTICS.network}</h3>
          <NetworkPart />
        </section>
      </div>
    </SideDialog>
  );
}
