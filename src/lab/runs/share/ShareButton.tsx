/** @file "Share": opens the dialog of a run, from the run area and from the table of runs. The dialog is fetched when it is wanted. */
import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { lazy, Suspense, useState, type JSX } from "react";
import { useRuns } from "../../shell/app/labContext.ts";
import { Boundary } from "../../ui/Boundary.tsx";
import { ShareIcon } from "../../ui/icons.tsx";

const ShareDialog = lazy(() => import("./ShareDialog.tsx"));

/** Nothing for a run that is not in the history. @param small an icon, for rows of a table */
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
  const label = "Share: link, QR code, report, figures, model";
  return (
    <>
      {small ? (
        <Tooltip label={label}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={28}
            aria-label="Share this run"
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
          title={label}
          onClick={() => setOpen(true)}
        >
          Share
        </Button>
      )}
      {open && (
        <Boundary name="Share">
          <Suspense fallback={null}>
            <ShareDialog run={run} onClose={() => setOpen(false)} />
          </Suspense>
        </Boundary>
      )}
    </>
  );
}
