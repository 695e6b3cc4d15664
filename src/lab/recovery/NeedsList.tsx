/**
 * @file The inputs that an interrupted run needs again: files and folders are chosen here, under the names in its spec.
 */
import { Button, FileButton } from "@mantine/core";
import type { JSX } from "react";
import { useChat, useRecovery, useLab, useModels } from "../shell/app/labContext.ts";
import { FolderButton } from "../setup/models/FolderButton.tsx";
import { ADDED_ADAPTER } from "../worker/protocol/adapterNames.ts";
import { NEEDS } from "./copy.ts";
import css from "./recovery.module.css";
import { isAvailable, type RunInput, type AvailableInputs } from "./runInputs.ts";

/** What this tab has. */
export function usePresent(): AvailableInputs {
  const files = useRecovery((state) => state.files);
  const folders = useModels((state) => state.folders);
  const token = useModels((state) => state.hasToken);
  const added = useChat((state) => state.addedAdapters);
  return { files, folders, token, adapters: new Set(added.map(({ id }) => id)) };
}

export function NeedsList({ needs }: { readonly needs: readonly RunInput[] }): JSX.Element | null {
  const present = usePresent();
  if (needs.length === 0) return null;
  return (
    <>
      <p>{NEEDS.intro}</p>
      <ul className={css.needs}>
        {needs.map((need) => (
          <li key={`${need.kind} ${need.name}`} data-testid="need" data-there={isAvailable(need, present)}>
            <NeedLine need={need} there={isAvailable(need, present)} />
          </li>
        ))}
      </ul>
    </>
  );
}

function NeedLine({ need: { kind, name }, there }: { readonly need: RunInput; readonly there: boolean }): JSX.Element {
  const lab = useLab();
  const state = there && <span className={css.there}>{NEEDS.selected}</span>;
  switch (kind) {
    case "file":
      return (
        <>
          <span className={css.needName}>{name}</span>
          {state}
          <FileButton onChange={(file) => file !== null && lab.inputs.attachFileAs(name, file)}>
            {(props) => (
              <Button
                {...props}
                variant="default"
                size="compact-xs"
                aria-label={`${there ? NEEDS.chooseAnother : NEEDS.chooseFile} ${name}`}
              >
                {there ? NEEDS.chooseAnother : NEEDS.chooseFile}
              </Button>
            )}
          </FileButton>
        </>
      );
    case "folder":
      return (
        <>
          <span className={css.needName}>{name}/</span>
          {state}
          <NeededFolder name={name} there={there} />
        </>
      );
    case "adapter":
      return (
        <>
          <span className={css.needName}>{name.slice(ADDED_ADAPTER.length)}</span>
          {there ? state : <span className={css.there}>{NEEDS.addAdapter}</span>}
        </>
      );
    case "token":
      return <span className={css.there}>{there ? NEEDS.tokenGiven : NEEDS.tokenMissing}</span>;
  }
}

function NeededFolder({ name, there }: { readonly name: string; readonly there: boolean }): JSX.Element {
  const { models } = useLab();
  const label = there ? NEEDS.chooseAnother : NEEDS.chooseFolder;
  return (
    <FolderButton
      label={label}
      ariaLabel={`${label} ${name}`}
      inputLabel={NEEDS.folder(name)}
      size="compact-xs"
      handles
      onFolders={([folder]) => {
        if (folder !== undefined) models.attachAs(name, folder);
      }}
    />
  );
}
