/** @file Learn: five short pages with widgets that compute. They need neither a GPU nor a model. */
import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useEffect, useRef, type JSX } from "react";
import { useView } from "../shell/app/viewStore.ts";
import { LinkIcon } from "../ui/icons.tsx";
import { copyText } from "../support/clipboard.ts";
import css from "./learn.module.css";
import { joinFragment, LEARN_PAGES, PAGE_TITLES, type LearnPage } from "./pages.ts";
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
    // A new page begins at its heading, for eyes and for readers.
    if (shown.current !== page) heading.current?.focus();
    shown.current = page;
    heading.current?.scrollIntoView({ block: "nearest" });
  }, [page]);
  const at = LEARN_PAGES.indexOf(page);
  const [before, after] = [LEARN_PAGES[at - 1], LEARN_PAGES[at + 1]];
  return (
    <div className={css.learn} data-testid="learn-area">
      <nav aria-label="Pages">
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
        <span>{before !== undefined && <PageLink page={before}>{`Before: ${PAGE_TITLES[before]}`}</PageLink>}</span>
        <CopyPageLink page={page} />
        <span>{after !== undefined && <PageLink page={after}>{`Next: ${PAGE_TITLES[after]}`}</PageLink>}</span>
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
    const link = new URL(location.href);
    link.hash = joinFragment(page, "");
    await copyText(link.href);
    notifications.show({ message: "Link to this page copied.", autoClose: 4000 });
  };
  return (
    <Button variant="default" size="xs" leftSection={<LinkIcon />} onClick={() => void copy()}>
      Copy link to this page
    </Button>
  );
}
