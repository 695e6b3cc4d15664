/** @file A bar beside a number of a table. */
import type { JSX } from "react";
import css from "./bar.module.css";

/** @param share of the longest bar, from -1 to 1; the number beside it says the same */
export function Bar({ share }: { readonly share: number }): JSX.Element {
  return (
    <svg className={css.bar} viewBox="0 0 40 8" aria-hidden="true" data-negative={share < 0}>
      <rect x="0" y="0" width={40 * Math.abs(share)} height="8" />
    </svg>
  );
}
