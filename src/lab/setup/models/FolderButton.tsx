/** @file A button that asks for a folder of this computer. */
import { Button, type ButtonProps } from "@mantine/core";
import { useRef, type JSX } from "react";
import { FOLDER } from "./copy.ts";
import { foldersOfHandle, foldersOfInput, pickFolder } from "./folders.ts";
import type { FoundFolder } from "./modelController.ts";

interface FolderButtonProps {
  readonly label?: string;
  readonly ariaLabel?: string;
  /** Name of the hidden file input. */
  readonly inputLabel: string;
  readonly size?: "xs" | "compact-xs";
  readonly icon?: ButtonProps["leftSection"];
  /** Prefer the browser's directory picker, which reads files only when they are needed. */
  readonly handles?: boolean;
  readonly onFolders: (found: readonly FoundFolder[]) => void;
}

export function FolderButton({
  label = FOLDER.choose,
  ariaLabel,
  inputLabel,
  size = "xs",
  icon,
  handles = false,
  onFolders,
}: FolderButtonProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const choose = async (): Promise<void> => {
    const handle = handles ? await pickFolder() : "unsupported";
    if (handle === "unsupported") input.current?.click();
    else if (handle !== null) onFolders(await foldersOfHandle(handle));
  };
  return (
    <>
      <Button
        variant="default"
        size={size}
        leftSection={icon}
        aria-label={ariaLabel}
        style={{ alignSelf: "flex-start" }}
        onClick={() => void choose()}
      >
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={inputLabel}
        // Browsers without showDirectoryPicker have this attribute, which React's types lack.
        {...{ webkitdirectory: "" }}
        onChange={(event) => {
          onFolders(foldersOfInput(event.currentTarget.files ?? []));
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}
