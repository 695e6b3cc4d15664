/** @file Merged models in the list of what this browser stores, and the question whether old ones are still wanted. */
import { Button } from "@mantine/core";
import { useState, type JSX } from "react";
import { useLab, useStorage } from "../../shell/app/labContext.ts";
import models from "../../setup/models/models.module.css";
import { AskOnce } from "../../recovery/AskOnce.tsx";
import { saveFile } from "../../support/clipboard.ts";
import { bytes, moment } from "../../support/format.ts";
import { LinkButton } from "../../ui/buttons.tsx";
import { STORED_MERGED } from "../../setup/models/copy.ts";
import { expired, type MergedModel } from "./mergedModels.ts";

const NONE: readonly MergedModel[] = [];

function useMerged(): readonly MergedModel[] {
  return useStorage(({ view }) => (view.kind === "ready" ? view.merged : NONE));
}

export function StoredMerged(): JSX.Element | null {
  const { storage } = useLab();
  const merged = useMerged();
  const download = async ({ id, title }: MergedModel): Promise<void> =>
    saveFile(`${title}.zip`, await storage.openMerged(id), "application/zip");
  if (merged.length === 0) return null;
  return (
    <ul className={models.stored} aria-label={STORED_MERGED.label}>
      {merged.map((model) => (
        <li key={model.id} data-testid="stored-merged">
          <span className={models.storedName}>{model.title}</span>
          <span className={models.storedSize}>{bytes(model.bytes)}</span>
          <AskOnce
            label={STORED_MERGED.remove}
            ariaLabel={STORED_MERGED.removeOf(model.title)}
            words={{ question: STORED_MERGED.question, yes: STORED_MERGED.remove, no: STORED_MERGED.keep }}
            onYes={() => void storage.removeMerged(model.id)}
          />
          <span className={models.storedWhen}>
            {STORED_MERGED.used(moment(model.usedAt))}{" "}
            <LinkButton onClick={() => void download(model)}>{STORED_MERGED.download}</LinkButton>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Nothing is removed without an answer. */
export function ExpiredMerged(): JSX.Element | null {
  const { storage } = useLab();
  const merged = useMerged();
  const [now] = useState(() => Date.now());
  const old = expired(merged, now);
  if (old.length === 0) return null;
  const ids = old.map(({ id }) => id);
  const size = bytes(old.reduce((sum, { bytes: one }) => sum + one, 0));
  return (
    <div className={models.notices} role="status" data-testid="expired-merged">
      <p>{STORED_MERGED.expired(old.length, size)}</p>
      <p>
        <Button size="compact-xs" variant="default" onClick={() => void storage.removeMerged(...ids)}>
          {STORED_MERGED.removeThem}
        </Button>{" "}
        <Button size="compact-xs" variant="default" onClick={() => void storage.keepMerged(...ids)}>
          {STORED_MERGED.keepThem}
        </Button>
      </p>
    </div>
  );
}

/** ", 2 merged models, 3.1 GiB"; empty without any. */
export function mergedSummary(merged: readonly MergedModel[]): string {
  if (merged.length === 0) return "";
  return STORED_MERGED.summary(merged.length, bytes(merged.reduce((sum, { bytes: size }) => sum + size, 0)));
}
