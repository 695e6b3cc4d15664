/**
 * @file A panel at the side of the window, as a modal <dialog>: it traps the focus, closes with Escape and returns the
 * focus.
 */
import { CloseButton } from "@mantine/core";
import { useEffect, useId, useRef, type JSX, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { DIALOG } from "./copy.ts";
import css from "./sideDialog.module.css";

interface SideDialogProps {
  readonly title: ReactNode;
  /** A line under the title. */
  readonly about?: ReactNode;
  readonly testId: string;
  /** For text that does not wrap. */
  readonly wide?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Open as long as it is rendered; `onClose` must remove it. */
export function SideDialog({ title, about, testId, wide = false, onClose, children }: SideDialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  // In the body, so that styles of the opener do not apply to it.
  return createPortal(
    <dialog
      ref={dialog}
      className={css.dialog}
      data-wide={wide}
      aria-labelledby={titleId}
      data-testid={testId}
      // Ignore the event of a nested dialog, which React bubbles.
      onClose={(event) => event.target === dialog.current && onClose()}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div className={css.content}>
        <header className={css.head}>
          <div>
            <h2 id={titleId}>{title}</h2>
            {about !== undefined && <p>{about}</p>}
          </div>
          <CloseButton aria-label={DIALOG.close} onClick={() => dialog.current?.close()} />
        </header>
        {children}
      </div>
    </dialog>,
    document.body,
  );
}
