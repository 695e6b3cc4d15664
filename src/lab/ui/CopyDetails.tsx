/** @file "Copy details": failure, settings, device and versions as one text for a bug report. */
import { Button } from "@mantine/core";
import { useState, type JSX } from "react";
import type { RunFailure } from "../../experiment/run/events.ts";
import { useLab } from "../shell/app/labContext.ts";
import type { DeviceState } from "../shell/header/deviceStore.ts";
import { FAILURE } from "./copy.ts";
import { copyText } from "../support/clipboard.ts";

interface DetailsProps {
  readonly failure: RunFailure;
  /** More details of this failure. `spec` replaces the settings on screen. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Beside a line of text. */
  readonly compact?: boolean;
}

export function CopyDetails({ failure, details = {}, compact = false }: DetailsProps): JSX.Element {
  const lab = useLab();
  const [copied, setCopied] = useState<RunFailure | null>(null);
  const copy = async (): Promise<void> => {
    await copyText(
      errorDetails({ failure, device: lab.device.store.getState(), spec: lab.spec.getState().draft, ...details }),
    );
    setCopied(failure);
  };
  return (
    <Button variant={compact ? "subtle" : "default"} size={compact ? "compact-xs" : "xs"} onClick={() => void copy()}>
      {copied === failure ? FAILURE.copied : FAILURE.copyDetails}
    </Button>
  );
}

/** @param about the failure and its details */
function errorDetails({
  device,
  ...about
}: {
  readonly failure: RunFailure;
  readonly device: DeviceState;
  readonly spec: unknown;
}): string {
  const known = "device" in device ? device.device : null;
  return JSON.stringify(
    {
      ...about,
      device: known ?? device.kind,
      browser: navigator.userAgent,
      basin: __BASIN_VERSION__,
      address: window.location.origin + window.location.pathname,
      at: new Date().toISOString(),
    },
    null,
    2,
  );
}
