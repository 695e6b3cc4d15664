/**
 * @file "PyTorch replay": downloads a folder that repeats an experiment with PyTorch, transformers, PEFT and
 * Accelerate.
 */
import { useState, type JSX } from "react";
import type { RunFailure } from "../../../experiment/run/events.ts";
import type { Spec } from "../../../experiment/spec/spec.ts";
import { useLab } from "../../shell/app/labContext.ts";
import { DownloadButton } from "../../ui/DownloadButton.tsx";
import { saveFile } from "../../support/clipboard.ts";
import { toFailure } from "../../support/failure.ts";
import { bytes } from "../../support/format.ts";
import { CopyDetails } from "../../ui/CopyDetails.tsx";
import { useReason } from "../../ui/Reason.tsx";
import { REPLAY } from "../copy.ts";
import css from "../../ui/exportButton.module.css";

type ReplayState =
  | { readonly kind: "idle" }
  | { readonly kind: "making" }
  | {
      readonly kind: "saved";
      readonly spec: Spec;
      readonly file: string;
      readonly size: number;
      readonly notes: readonly string[];
    }
  | { readonly kind: "failed"; readonly spec: Spec; readonly failure: RunFailure };

/** @param name of the file, without its ending; `spec` null where there is none that could run */
export function ReplayButton({ spec, name }: { readonly spec: Spec | null; readonly name: string }): JSX.Element {
  const lab = useLab();
  const [state, setState] = useState<ReplayState>({ kind: "idle" });
  const reason = useReason(spec === null ? REPLAY.invalid : null);
  // A result for other settings is out of date.
  const current = (state.kind === "saved" || state.kind === "failed") && state.spec === spec ? state : null;
  const make = async (requested: Spec): Promise<void> => {
    setState({ kind: "making" });
    try {
      const { zip, notes } = await lab.exportPython(requested);
      saveFile(`${name}.zip`, zip, "application/zip");
      setState({ kind: "saved", spec: requested, file: `${name}.zip`, size: zip.byteLength, notes });
    } catch (error) {
      setState({ kind: "failed", spec: requested, failure: toFailure(error, REPLAY.button) });
    }
  };
  return (
    <div className={css.row} data-testid="replay" data-state={state.kind}>
      <DownloadButton
        loading={state.kind === "making"}
        disabled={spec === null}
        aria-describedby={reason.describedBy}
        onClick={() => spec !== null && void make(spec)}
        title={REPLAY.hint}
      >
        {REPLAY.button}
      </DownloadButton>
      {reason.text}
      {current?.kind === "saved" && (
        <span className={css.account} role="status">
          {REPLAY.saved(current.file, bytes(current.size))} {current.notes.join(" ")}
        </span>
      )}
      {current?.kind === "failed" && (
        <span className={css.failed} role="alert">
          {current.failure.what}. {current.failure.fix}{" "}
          <CopyDetails compact failure={current.failure} details={{ spec: current.spec }} />
        </span>
      )}
    </div>
  );
}
