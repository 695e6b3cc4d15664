/** @file "Save merged model": writes the model with an adapter merged into it, to a folder or as a zip to download. */
import { Button, Progress } from "@mantine/core";
import { useEffect, type JSX } from "react";
import { useLab, useMerge, useRun } from "../../shell/app/labContext.ts";
import { DownloadButton } from "../../ui/DownloadButton.tsx";
import { isActive } from "../../run/runState.ts";
import { saveFile } from "../../support/clipboard.ts";
import { bytes } from "../../support/format.ts";
import type { ChatAdapter } from "../../chat/adapters.ts";
import { CopyDetails } from "../../ui/CopyDetails.tsx";
import { useReason } from "../../ui/Reason.tsx";
import { MERGE } from "../copy.ts";
import css from "../../ui/exportButton.module.css";

type Picker = (options: { readonly mode: "readwrite"; readonly id: string }) => Promise<FileSystemDirectoryHandle>;

/** Absent in browsers that cannot write into folders. */
const picker = (): Picker | undefined =>
  (window as { readonly showDirectoryPicker?: Picker }).showDirectoryPicker?.bind(window);

export function MergeButton({
  adapter,
  model,
}: {
  readonly adapter: Pick<ChatAdapter, "id" | "title" | "files">;
  readonly model: string;
}): JSX.Element {
  const lab = useLab();
  const state = useMerge();
  const training = useRun((store) => isActive(store.run));
  const own = state.kind !== "idle" && state.adapterId === adapter.id;
  const name = `merged-${
    model
      .split("/")
      .filter((part) => part !== "")
      .at(-1) ?? "model"
  }`.replaceAll(/[^\w.-]+/g, "-");
  const reason = useReason(training ? MERGE.whileTraining : state.kind === "writing" ? MERGE.whileWriting : null);
  const start = async (): Promise<void> => {
    const pick = picker();
    if (pick === undefined) {
      void lab.merge.start({ model, adapter, target: { kind: "archive" }, location: `${name}.zip` });
      return;
    }
    const chosen = await pick({ mode: "readwrite", id: "merged" }).catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "AbortError") return null; // closed without choosing
      throw error;
    });
    if (chosen === null) return;
    // A new folder, so that none of the user's files are overwritten.
    const folder = await freshFolder(chosen, name);
    void lab.merge.start({
      model,
      adapter,
      target: { kind: "folder", folder },
      location: `${chosen.name}/${folder.name}`,
    });
  };
  return (
    <div className={css.row} data-testid="merge" data-state={own ? state.kind : "idle"}>
      <DownloadButton
        onClick={() => void start()}
        disabled={training || state.kind === "writing"}
        title={MERGE.hint}
        aria-describedby={reason.describedBy}
      >
        {MERGE.button}
      </DownloadButton>
      {reason.text}
      {own && <MergeStatus />}
    </div>
  );
}

function MergeStatus(): JSX.Element | null {
  const lab = useLab();
  const state = useMerge();
  useEffect(() => {
    if (state.kind !== "done" || state.archive === null) return;
    saveFile(state.location, state.archive, "application/zip");
    // Cleared, so that it is downloaded only once.
    lab.merge.onArchiveSaved(MERGE.downloads(state.location));
  }, [lab, state]);
  switch (state.kind) {
    case "idle":
      return null;
    case "writing":
      return (
        <span className={css.account} role="status">
          <Progress
            value={state.total === 0 ? 0 : (100 * state.done) / state.total}
            size="sm"
            w={110}
            aria-label={MERGE.progress}
          />
          {MERGE.writing(bytes(state.done), state.total === 0 ? "…" : bytes(state.total), state.location)}
          <Button variant="subtle" size="compact-xs" onClick={() => lab.merge.stop()}>
            {MERGE.stop}
          </Button>
        </span>
      );
    case "done":
      return (
        <span className={css.account} role="status">
          {MERGE.done(state.report.files.length, bytes(state.report.bytes), state.report.merged, state.location)}
        </span>
      );
    case "failed":
      return (
        <span className={css.failed} role="alert">
          {state.failure.what}. {state.failure.fix} <CopyDetails compact failure={state.failure} />
        </span>
      );
  }
}

/** `name`, or `name-2` … where that is taken. */
async function freshFolder(parent: FileSystemDirectoryHandle, name: string): Promise<FileSystemDirectoryHandle> {
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? name : `${name}-${count}`;
    const taken = await parent.getDirectoryHandle(candidate).then(
      () => true,
      () => false,
    );
    if (!taken) return parent.getDirectoryHandle(candidate, { create: true });
  }
}
