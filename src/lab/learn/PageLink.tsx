/** @file A link to a Learn page: opens in place, and can be copied or opened in a new tab. */
import type { JSX, MouseEvent } from "react";
import { useView } from "../shell/app/labContext.ts";
import { PAGE_TITLES } from "./copy.ts";
import { joinFragment, type LearnPage } from "./pages.ts";

export function PageLink({
  page,
  children = PAGE_TITLES[page],
}: {
  readonly page: LearnPage;
  readonly children?: string;
}): JSX.Element {
  const current = useView((view) => view.area === "learn" && view.page === page);
  const learn = useView((view) => view.learn);
  const open = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    // The address is replaced, as everywhere in the lab, so Back leaves the lab.
    event.preventDefault();
    learn(page);
  };
  return (
    <a href={`#${joinFragment(page, "")}`} aria-current={current ? "page" : undefined} onClick={open}>
      {children}
    </a>
  );
}
