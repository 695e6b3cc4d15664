/** @file For keyboards: the first stop of the page leads past header and settings. A button, because the address's fragment holds the experiment. */
import type { JSX } from "react";
import css from "./app.module.css";
import type { Area } from "./viewStore.ts";

export function SkipLink({ area }: { readonly area: Area }): JSX.Element {
  return (
    <button type="button" className={css.skip} onClick={() => document.getElementById(`area-${area}`)?.focus()}>
      Skip to the content
    </button>
  );
}
