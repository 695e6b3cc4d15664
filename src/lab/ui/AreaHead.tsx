/** @file The heading of an area, with a line of text and buttons beside it. */
import type { JSX, ReactNode } from "react";
import css from "./areaHead.module.css";

interface AreaHeadProps {
  readonly title: string;
  /** The line of text. */
  readonly children?: ReactNode;
  /** Buttons at the end of the line. */
  readonly tools?: ReactNode;
}

export function AreaHead({ title, children, tools }: AreaHeadProps): JSX.Element {
  return (
    <div className={css.head}>
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
      {tools}
    </div>
  );
}
