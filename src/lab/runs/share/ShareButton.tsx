/** @file "Share": opens the dialog of a run, from the run area and the runs table. The dialog is loaded on demand. */
import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { Suspense, useState, type JSX } from "react";
import { lazyPart } from "../../ui/lazyPart.tsx";
import { useRuns } from "../../shell/app/labContext.ts";
import { Boundary } from "../../ui/Boundary.tsx";
import { ShareIcon } from "../../ui/icons.tsx";
import { SHARE } from "../copy.ts";

const ShareDialog = lazyPart(() => import("./ShareDialog.tsx"));

/** Renders nothing for a run that is not in the history. @param small an icon, for table rows */
export function ShareButton({
  runId,
  small = false,
}: {
  readonly runId: string;
  readonly small?: boolean;
}): JSX.Element | null {
  const run = useRuns(({ runs }) => runs.find((one) => one.runId === runId));
  const [open, setOpen] = useState(false);
  if (run === undefined) return null;
  return (
    <>
      {small ? (
        <Tooltip label={SHARE.buttonHint}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={28}
            aria-label={SHARE.rowButton}
            aria-haspopup="dialog"
            onClick={() => setOpen(true)}
          >
            <ShareIcon />
          </ActionIcon>
        </Tooltip>
      ) : (
        <Button
          variant="default"
          size="xs"
          leftSection={<ShareIcon />}
          aria-haspopup="dialog"
          title={SHARE.buttonHint}
          onClick={() => setOpen(true)}
        >
          {SHARE.button}
        </Button>
      )}
      {open && (
        <Boundary name={SHARE.button}>
          <Suspense fallback={null}>
            <ShareDialog run={run} onClose={() => setOpen(false)} />
          </Suspense>
        </Boundary>
      )}
    </>
  );
}
