/** @file The polite live region of the run: always mounted, visually hidden. */
import type { JSX } from "react";
import { useRun } from "../shell/app/labContext.ts";
import { announcement } from "./announce.ts";
import ui from "../ui/text.module.css";

export function RunAnnouncer(): JSX.Element {
  const text = useRun(({ run }) => announcement(run));
  return (
    <p className={ui.spoken} role="status" data-testid="run-announcer">
      {text}
    </p>
  );
}
