/**
 * @file A panel at the side of the window, a dialog of the browser's own: it keeps the focus, closes with Escape and
 * gives the focus back.
 */
import { CloseButton } from "@mantine/core";
import { useEffect, useId, useRef, type JSX, type ReactNode } from "react";
import { createPortal } from "react-dom";
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

/** Open from when it is put on the page until `onClose`, which takes it away. */
export function SideDialog({ title, about, testId, wide = false, onClose, children }: SideDialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  // Outside of what it was opened from, whose styles are not meant for it.
  return createPortal(
    <dialog
      ref={dialog}
      className={css.dialog}
      data-wide={wide}
      aria-labelledby={titleId}
      data-testid={testId}
      // Not those of a dialog inside, which React hands up.
      onClose={(event) => event.target === dialog.current && onClose()}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div className={css.content}>
        <header className={css.head}>
          <div>
            <h2 id={titleId}>{title}</h2>
            {about !== undefined && <p>{about}</p>}
          </div>
          <CloseButton aria-label="Close" onClick={() => dialog.current?.close()} />
        </header>
        {children}
      </div>
    </dialog>,
    document.body,
  );
}
