/** @file A line at the top of the page: a message with buttons. */
import type { JSX, ReactNode } from "react";
import css from "./banner.module.css";

interface BannerProps {
  /** bad: something went wrong. info: news. */
  readonly tone: "bad" | "info";
  readonly testId: string;
  /** Buttons. */
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}

export function Banner({ tone, testId, tools, children }: BannerProps): JSX.Element {
  return (
    <div className={css.banner} data-tone={tone} role={tone === "bad" ? "alert" : "status"} data-testid={testId}>
      <p>{children}</p>
      {tools !== undefined && <div className={css.tools}>{tools}</div>}
    </div>
  );
}
