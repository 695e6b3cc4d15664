/** @file A small button that saves a file. */
import { Button } from "@mantine/core";
import type { JSX, ReactNode } from "react";
import { DownloadIcon } from "./icons.tsx";

interface DownloadButtonProps {
  readonly onClick: () => void;
  readonly title?: string;
  readonly disabled?: boolean;
  readonly loading?: boolean;
  readonly compact?: boolean;
  /** ID of the text that says why it is disabled. */
  readonly "aria-describedby"?: string | undefined;
  readonly children: ReactNode;
}

export function DownloadButton({ compact = false, ...props }: DownloadButtonProps): JSX.Element {
  return <Button variant="default" size={compact ? "compact-xs" : "xs"} leftSection={<DownloadIcon />} {...props} />;
}
