/** @file The models saved in this browser, with their sizes, the storage quota, and buttons to remove them. */
import { ActionIcon, Button } from "@mantine/core";
import { useEffect, type JSX } from "react";
import { useRecovery, useLab, useStorage } from "../../shell/app/labContext.ts";
import { snapshotSummary, SavedSnapshots } from "../../recovery/SavedSnapshots.tsx";
import { ExpiredMerged, mergedSummary, StoredMerged } from "../../runs/merge/StoredMerged.tsx";
import { StoredRuns } from "../../runs/StoredRuns.tsx";
import { TrashIcon } from "../../ui/icons.tsx";
import { bytes, moment } from "../../support/format.ts";
import { LinkButton } from "../../ui/buttons.tsx";
import { STORAGE } from "./copy.ts";
import { noticeText, type StorageView } from "./storageController.ts";
import css from "./models.module.css";

export function StoragePanel(): JSX.Element {
  const { storage, recovery: keep } = useLab();
  const view = useStorage((state) => state.view);
  const snapshots = useRecovery((state) => state.snapshots);
  useEffect(() => {
    void storage.refresh();
  }, [storage]);
  return (
    <>
      <Notices />
      <ExpiredMerged />
      <details
        className={css.more}
        data-testid="storage"
        onToggle={() => {
          void storage.refresh();
          void keep.refresh();
        }}
      >
        <summary>
          {summaryOf(view)}
          {view.kind === "ready" && mergedSummary(view.merged)}
          {snapshotSummary(snapshots)}
        </summary>
        {view.kind === "ready" && <Stored view={view} />}
        {view.kind === "unavailable" && <p className={css.help}>{STORAGE.unavailable(view.why)}</p>}
      </details>
    </>
  );
}

function Stored({ view }: { readonly view: Extract<StorageView, { kind: "ready" }> }): JSX.Element {
  const { storage } = useLab();
  const removing = useStorage((state) => state.removing);
  const { models, usage, quota, persisted } = view;
  return (
    <>
      {models.length === 0 ? (
        <p className={css.help}>{STORAGE.empty}</p>
      ) : (
        <ul className={css.stored}>
          {models.map(({ id, title, bytes: size, usedAt }) => (
            <li key={id} data-testid="stored-model">
              <span className={css.storedName} title={title}>
                {title}
              </span>
              <span className={css.storedSize}>{bytes(size)}</span>
              <ActionIcon
                variant="subtle"
                size="sm"
                aria-label={STORAGE.remove(title)}
                disabled={removing}
                onClick={() => void storage.remove(id)}
              >
                <TrashIcon />
              </ActionIcon>
              {usedAt > 0 && <span className={css.storedWhen}>{STORAGE.lastUsed(moment(usedAt))}</span>}
            </li>
          ))}
        </ul>
      )}
      <StoredMerged />
      <SavedSnapshots />
      <StoredRuns />
      {usage !== null && quota !== null && (
        <p className={css.help}>
          {STORAGE.usage(bytes(usage), bytes(quota))} {persisted ? STORAGE.persistent : STORAGE.clearable}
        </p>
      )}
      <div className={css.folderRow}>
        {models.length > 0 && (
          <Button variant="default" size="compact-xs" disabled={removing} onClick={() => void storage.remove(null)}>
            {STORAGE.removeAll}
          </Button>
        )}
        {models.length > 0 && !persisted && (
          <Button variant="default" size="compact-xs" onClick={() => void storage.persist()}>
            {STORAGE.persist}
          </Button>
        )}
      </div>
    </>
  );
}

function Notices(): JSX.Element | null {
  const { storage } = useLab();
  const notices = useStorage((state) => state.notices);
  return notices.length === 0 ? null : (
    <div className={css.notices} role="status" data-testid="storage-notices">
      {notices.map((notice) => (
        <p key={`${notice.kind} ${notice.model}`}>
          {noticeText(notice, moment)}{" "}
          <LinkButton onClick={() => storage.dismiss(notice)}>{STORAGE.dismiss}</LinkButton>
        </p>
      ))}
    </div>
  );
}

function summaryOf(view: StorageView): string {
  if (view.kind === "unavailable") return STORAGE.summaryUnavailable;
  const models = view.kind === "unknown" ? [] : view.models;
  return STORAGE.summary(models.length, bytes(models.reduce((sum, { bytes: size }) => sum + size, 0)));
}
