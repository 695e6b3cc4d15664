/** @file The heading of an area, with a line of text beside it. */
import type { JSX, ReactNode } from "react";
import css from "./areaHead.module.css";

export function AreaHead({ title, children }: { readonly title: string; readonly children?: ReactNode }): JSX.Element {
  return (
    <div className={css.head}>
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}
