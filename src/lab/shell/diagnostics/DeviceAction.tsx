/** @file A button that asks the device for something, and the answer below it. Disabled while a run uses the device. */
import { Button } from "@mantine/core";
import type { JSX, ReactNode } from "react";
import { isActive } from "../../run/runState.ts";
import { FailurePanel } from "../../ui/FailurePanel.tsx";
import { useReason } from "../../ui/Reason.tsx";
import { useRequest } from "../../ui/useRequest.ts";
import { useRun } from "../app/labContext.ts";
import { DIAGNOSTICS } from "./copy.ts";
import css from "./diagnostics.module.css";

interface DeviceActionProps<T> {
  readonly testId: string;
  readonly label: string;
  /** Why this device cannot do it; null if it can. */
  readonly impossible?: string | null;
  readonly failedTitle: string;
  readonly request: () => Promise<T>;
  readonly children: (result: T) => ReactNode;
}

export function DeviceAction<T>({
  testId,
  label,
  impossible = null,
  failedTitle,
  request,
  children,
}: DeviceActionProps<T>): JSX.Element {
  const running = useRun(({ run }) => isActive(run));
  const { state, send } = useRequest(request, "device");
  const reason = useReason(impossible ?? (running ? DIAGNOSTICS.waitForRun : null));
  return (
    <div className={css.check} data-testid={testId}>
      <Button
        variant="default"
        size="xs"
        loading={state.kind === "pending"}
        disabled={reason.text !== null}
        aria-describedby={reason.describedBy}
        onClick={() => void send()}
      >
        {label}
      </Button>
      {reason.text}
      <div role="status">{state.kind === "done" && children(state.result)}</div>
      {state.kind === "failed" && <FailurePanel failure={state.failure} title={failedTitle} />}
    </div>
  );
}
