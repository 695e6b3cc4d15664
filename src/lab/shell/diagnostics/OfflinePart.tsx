/** @file The offline copy: what is saved, what is saved later, and a button to remove it. */
import { Button } from "@mantine/core";
import { useEffect, type JSX } from "react";
import { bytes } from "../../support/format.ts";
import { LinkButton } from "../../ui/buttons.tsx";
import { OFFLINE } from "./copy.ts";
import { useOffline, useDiagnostics } from "./diagnosticsContext.ts";
import css from "./diagnostics.module.css";

export function OfflinePart(): JSX.Element {
  const { offline } = useDiagnostics();
  const state = useOffline();
  useEffect(() => {
    void offline.refresh();
  }, [offline]);
  switch (state.kind) {
    case "unavailable":
      return <p>{OFFLINE.unavailable(state.why)}</p>;
    case "preparing":
      return <p>{OFFLINE.preparing}</p>;
    case "failed":
      return <p>{OFFLINE.failed(state.why)}</p>;
    case "ready": {
      const { status, saving } = state;
      if (status === null) return <p>{OFFLINE.ready}</p>;
      const later = status.later.reduce((sum, file) => sum + file.bytes, 0);
      return (
        <>
          <p data-testid="offline-status">{OFFLINE.saved(status.saved, bytes(status.savedBytes))}</p>
          {later > 0 && (
            <p>
              {OFFLINE.later(bytes(later))}{" "}
              <Button variant="default" size="compact-xs" loading={saving} onClick={() => void offline.saveAll()}>
                {OFFLINE.saveNow}
              </Button>
            </p>
          )}
          <p className={css.quiet}>
            {OFFLINE.version(__BASIN_VERSION__, status.build)}{" "}
            <LinkButton onClick={() => void offline.forget()}>{OFFLINE.remove}</LinkButton>
          </p>
        </>
      );
    }
  }
}
