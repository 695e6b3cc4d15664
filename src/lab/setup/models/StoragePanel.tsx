/** @file The models kept in this browser, with their sizes, the room that is left, and how to remove them. */
import { ActionIcon, Button } from "@mantine/core";
import { useEffect, type JSX } from "react";
import { useRecovery, useLab, useStorage } from "../../shell/app/labContext.ts";
import { snapshotSummary, SavedSnapshots } from "../../recovery/SavedSnapshots.tsx";
import { TrashIcon } from "../../ui/icons.tsx";
import { bytes, moment } from "../../support/format.ts";
import { noticeText, type StorageView } from "./storageStore.ts";
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
          {snapshotSummary(snapshots)}
        </summary>
        {view.kind === "ready" && <Stored view={view} />}
        {view.kind === "unavailable" && <p className={css.help}>Models are fetched anew at each visit: {view.why}.</p>}
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
        <p className={css.help}>
          What is fetched from the hub or an address is kept here, checked whenever it is read, and works without a
          network. Bundled models and folders are not copied.
        </p>
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
                aria-label={`Remove ${title} from this browser`}
                disabled={removing}
                onClick={() => void storage.remove(id)}
              >
                <TrashIcon />
              </ActionIcon>
              {usedAt > 0 && <span className={css.storedWhen}>last used {moment(usedAt)}</span>}
            </li>
          ))}
        </ul>
      )}
      <SavedSnapshots />
      {usage !== null && quota !== null && (
        <p className={css.help}>
          This page uses {bytes(usage)} of about {bytes(quota)} that the browser gives it.{" "}
          {persisted
            ? "The browser keeps it even when the disk gets full."
            : "When the disk gets full, the browser may clear it."}
        </p>
      )}
      <div className={css.folderRow}>
        {models.length > 0 && (
          <Button variant="default" size="compact-xs" disabled={removing} onClick={() => void storage.remove(null)}>
            Remove all
          </Button>
        )}
        {models.length > 0 && !persisted && (
          <Button variant="default" size="compact-xs" onClick={() => void storage.persist()}>
            Ask the browser to keep them
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
          {noticeText(notice, moment)}
          <button type="button" className={css.plain} onClick={() => storage.dismiss(notice)}>
            Close
          </button>
        </p>
      ))}
    </div>
  );
}

function summaryOf(view: StorageView): string {
  if (view.kind === "unavailable") return "Kept in this browser: nothing";
  if (view.kind === "unknown" || view.models.length === 0) return "Kept in this browser: no models yet";
  const total = view.models.reduce((sum, { bytes: size }) => sum + size, 0);
  return `Kept in this browser: ${view.models.length} ${view.models.length === 1 ? "model" : "models"}, ${bytes(total)}`;
}
