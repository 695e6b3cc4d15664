/** @file In the header: whether the lab works offline, or that the browser is offline now. */
import { useSyncExternalStore, type JSX } from "react";
import header from "../header/header.module.css";
import { useOffline, usePanel } from "./diagnosticsContext.ts";
import { OFFLINE_CHIP } from "../copy.ts";
import css from "./diagnostics.module.css";

function subscribe(changed: () => void): () => void {
  window.addEventListener("online", changed);
  window.addEventListener("offline", changed);
  return () => {
    window.removeEventListener("online", changed);
    window.removeEventListener("offline", changed);
  };
}

export function OfflineChip(): JSX.Element | null {
  const state = useOffline();
  const show = usePanel((panel) => panel.show);
  const online = useSyncExternalStore(subscribe, () => navigator.onLine);
  if (online && state.kind !== "ready") return null;
  return (
    <button
      type="button"
      className={`${header.chip} ${css.chip}`}
      data-testid="offline-chip"
      data-online={online}
      aria-haspopup="dialog"
      onClick={() => show("offline")}
    >
      {online ? OFFLINE_CHIP.online : OFFLINE_CHIP.offline}
    </button>
  );
}
