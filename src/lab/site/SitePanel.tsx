/** @file "This page": device, offline copy, network. A dialog of the browser's own: it keeps the focus and closes with Escape. */
import { useEffect, useRef, type JSX } from "react";
import { CloseButton } from "@mantine/core";
import { DevicePart } from "./DevicePart.tsx";
import { NetworkPart } from "./NetworkPart.tsx";
import { OfflinePart } from "./OfflinePart.tsx";
import { usePanel } from "./panelStore.ts";
import css from "./site.module.css";

export default function SitePanel(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const part = usePanel((state) => state.open);
  const close = usePanel((state) => state.close);
  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    if (part !== null && !element.open) element.showModal();
    if (part !== null) element.querySelector(`[data-part="${part}"]`)?.scrollIntoView({ block: "start" });
  }, [part]);
  return (
    <dialog ref={dialog} className={css.dialog} aria-labelledby="this-page" data-testid="site-panel" onClose={close} onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <div className={css.content}>
        <header className={css.head}>
          <h2 id="this-page">This page</h2>
          <CloseButton aria-label="Close" onClick={() => dialog.current?.close()} />
        </header>
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
    </dialog>
  );
}
