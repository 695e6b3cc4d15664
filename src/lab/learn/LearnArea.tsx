/** @file Learn: five short pages with interactive widgets, which need neither a GPU nor a model. */
import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useEffect, useRef, type JSX } from "react";
import { useView } from "../shell/app/labContext.ts";
import { LinkIcon } from "../ui/icons.tsx";
import { copyText } from "../support/clipboard.ts";
import { pageForLinks } from "../setup/specStore.ts";
import css from "./learn.module.css";
import { LEARN, PAGE_TITLES } from "./copy.ts";
import { joinFragment, LEARN_PAGES, type LearnPage } from "./pages.ts";
import { PageLink } from "./PageLink.tsx";
import { DirectionPage } from "./pages/DirectionPage.tsx";
import { LoraPage } from "./pages/LoraPage.tsx";
import { PenaltyPage } from "./pages/PenaltyPage.tsx";
import { ProjectorPage } from "./pages/ProjectorPage.tsx";
import { ScorePage } from "./pages/ScorePage.tsx";

export default function LearnArea(): JSX.Element {
  const page = useView((view) => view.page);
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(page);
  useEffect(() => {
    // Focus the heading of a new page, also for screen readers.
    if (shown.current !== page) heading.current?.focus();
    shown.current = page;
    heading.current?.scrollIntoView({ block: "nearest" });
  }, [page]);
  const at = LEARN_PAGES.indexOf(page);
  const [previous, next] = [LEARN_PAGES[at - 1], LEARN_PAGES[at + 1]];
  return (
    <div className={css.learn} data-testid="learn-area">
      <nav aria-label={LEARN.pages}>
        <ol className={css.pages}>
          {LEARN_PAGES.map((name) => (
            <li key={name}>
              <PageLink page={name} />
            </li>
          ))}
        </ol>
      </nav>
      <article key={page}>
        <h2 ref={heading} tabIndex={-1}>
          {PAGE_TITLES[page]}
        </h2>
        <Content page={page} />
      </article>
      <div className={css.foot}>
        <span>
          {previous !== undefined && <PageLink page={previous}>{LEARN.previous(PAGE_TITLES[previous])}</PageLink>}
        </span>
        <CopyPageLink page={page} />
        <span>{next !== undefined && <PageLink page={next}>{LEARN.next(PAGE_TITLES[next])}</PageLink>}</span>
      </div>
    </div>
  );
}

function Content({ page }: { readonly page: LearnPage }): JSX.Element {
  switch (page) {
    case "lora":
      return <LoraPage />;
    case "direction":
      return <DirectionPage />;
    case "penalty":
      return <PenaltyPage />;
    case "projector":
      return <ProjectorPage />;
    case "score":
      return <ScorePage />;
  }
}

function CopyPageLink({ page }: { readonly page: LearnPage }): JSX.Element {
  const copy = async (): Promise<void> => {
    const link = new URL(pageForLinks(location.href));
    link.hash = joinFragment(page, "");
    await copyText(link.href);
    notifications.show({ message: LEARN.linkCopied, autoClose: 4000 });
  };
  return (
    <Button variant="default" size="xs" leftSection={<LinkIcon />} onClick={() => void copy()}>
      {LEARN.copyLink}
    </Button>
  );
}
