/** @file A failure: what happened, where, what to do, with details to copy. */
import type { JSX, ReactNode } from "react";
import type { RunFailure } from "../../experiment/run/events.ts";
import { CopyDetails } from "./CopyDetails.tsx";
import css from "./ui.module.css";

interface FailurePanelProps {
  readonly failure: RunFailure;
  readonly title: string;
  /** Details to copy; `spec` if it is not that of the settings on screen. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** More buttons. */
  readonly children?: ReactNode;
}

export function FailurePanel({ failure, title, details, children }: FailurePanelProps): JSX.Element {
  return (
    <section className={css.failure} role="alert">
      <h3>{title}</h3>
      <p className={css.failureWhat}>{failure.what}.</p>
      <p className={css.failureWhere}>{failure.where}</p>
      <p>{failure.fix}</p>
      <div className={css.failureTools}>
        {children}
        <CopyDetails failure={failure} {...(details === undefined ? {} : { details })} />
      </div>
    </section>
  );
}
