/** @file Small buttons: one that looks like a link, one of a group of choices. */
import type { JSX, ReactNode } from "react";
import css from "./buttons.module.css";

interface LinkButtonProps {
  readonly onClick: () => void;
  readonly label?: string;
  /** What the button opens. */
  readonly opens?: "dialog";
  readonly children: ReactNode;
}

export function LinkButton({ onClick, label, opens, children }: LinkButtonProps): JSX.Element {
  return (
    <button type="button" className={css.link} aria-label={label} aria-haspopup={opens} onClick={onClick}>
      {children}
    </button>
  );
}

interface PillProps {
  readonly pressed: boolean;
  readonly onClick: () => void;
  readonly title?: string;
  readonly small?: boolean;
  readonly children: ReactNode;
}

export function Pill({ pressed, onClick, title, small = false, children }: PillProps): JSX.Element {
  return (
    <button
      type="button"
      className={css.pill}
      data-small={small}
      aria-pressed={pressed}
      title={title}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
