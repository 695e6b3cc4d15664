/**
 * @file The first keyboard stop of the page skips header and settings. A button instead of a link, because the fragment
 * of the URL holds the experiment.
 */
import type { JSX } from "react";
import { PAGE } from "../copy.ts";
import css from "./app.module.css";
import type { Area } from "./viewStore.ts";

export function SkipLink({ area }: { readonly area: Area }): JSX.Element {
  return (
    <button type="button" className={css.skip} onClick={() => document.getElementById(`area-${area}`)?.focus()}>
      {PAGE.skipToContent}
    </button>
  );
}
