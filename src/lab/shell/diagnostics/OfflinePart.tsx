/** @file The offline copy: what is kept, what is kept later, and how to remove it. */
import { Button } from "@mantine/core";
import { useEffect, type JSX } from "react";
import { bytes } from "../../support/format.ts";
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
      return <p>The lab needs the network at each visit: {state.why}.</p>;
    case "preparing":
      return <p>A copy of the lab for visits without a network is being made.</p>;
    case "failed":
      return <p>The lab needs the network at each visit. Its copy could not be made: {state.why}.</p>;
    case "ready": {
      const { status, keeping } = state;
      if (status === null) return <p>The lab opens and trains without a network.</p>;
      const later = status.later.reduce((sum, file) => sum + file.bytes, 0);
      return (
        <>
          <p data-testid="offline-status">
            The lab opens and trains without a network: program, bundled models and judge are kept in this browser (
            {status.kept} files, {bytes(status.keptBytes)}, each checked by SHA-256).
          </p>
          {later > 0 && (
            <p>
              The runtime of ONNX judges ({bytes(later)}) is kept once it has been used.{" "}
              <Button variant="default" size="compact-xs" loading={keeping} onClick={() => void offline.keepAll()}>
                Keep it now
              </Button>
            </p>
          )}
          <p className={css.quiet}>
            Version {__BASIN_VERSION__}, build {status.build}.{" "}
            <button type="button" className={css.plain} onClick={() => void offline.forget()}>
              Remove the copy
            </button>
          </p>
        </>
      );
    }
  }
}
