/**
 * @file Why a control is disabled: text beside it, to which the control refers with aria-describedby. A tooltip would
 * reach neither a keyboard nor a finger, and browsers do not show one on a disabled button.
 */
import { useId, type JSX } from "react";
import css from "./text.module.css";

export interface Reason {
  /** For `aria-describedby`; undefined while the control is enabled. */
  readonly describedBy: string | undefined;
  /** The reason, to be drawn beside the control. */
  readonly text: JSX.Element | null;
}

/** @param quiet for screen readers only, where the page says it elsewhere or the control itself shows it */
export function useReason(reason: string | null, { quiet = false }: { readonly quiet?: boolean } = {}): Reason {
  const id = useId();
  if (reason === null) return { describedBy: undefined, text: null };
  return {
    describedBy: id,
    text: (
      <span id={id} className={quiet ? css.spoken : css.reason}>
        {reason}
      </span>
    ),
  };
}
