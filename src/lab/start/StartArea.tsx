/** @file Start: what the lab is, four example experiments, recent runs and opened links. */
import type { JSX } from "react";
import { useStore } from "zustand";
import { useDevice } from "../shell/app/labContext.ts";
import { NoGpu } from "../shell/header/NoGpu.tsx";
import { LEARN_PAGES } from "../learn/pages.ts";
import { PageLink } from "../learn/PageLink.tsx";
import { Button } from "@mantine/core";
import { LinkButton } from "../ui/buttons.tsx";
import { Cards } from "./Cards.tsx";
import { INTRO, LEARN_LINKS, TOUR_OFFER } from "./copy.ts";
import { LinkList, RunList } from "./Lists.tsx";
import { tour } from "./shared.ts";
import css from "./start.module.css";

export default function StartArea(): JSX.Element {
  const device = useDevice();
  return (
    <div className={css.start} data-testid="start-area">
      <section className={css.intro}>
        <h2>{INTRO.title}</h2>
        <p>{INTRO.text}</p>
      </section>
      <TourOffer />
      {device.kind === "missing" ? <NoGpu failure={device.failure} /> : <Cards />}
      <div className={css.lists}>
        <RunList />
        <LinkList />
        <section aria-labelledby="start-learn">
          <h3 id="start-learn">{LEARN_LINKS.title}</h3>
          <ul className={css.plain}>
            {LEARN_PAGES.map((page) => (
              <li key={page}>
                <PageLink page={page} />
              </li>
            ))}
            <li>
              <LinkButton onClick={() => tour.getState().begin()}>{LEARN_LINKS.restartTour}</LinkButton>
            </li>
          </ul>
        </section>
      </div>
    </div>
  );
}

/** Shown until the tour was taken or dismissed once; afterwards it starts from the header or the bottom of Start. */
function TourOffer(): JSX.Element | null {
  const { stage, begin, end } = useStore(tour);
  if (stage.kind !== "offered") return null;
  return (
    <aside className={css.offer} aria-label={TOUR_OFFER.label} data-testid="tour-offer">
      <p>
        <strong>{TOUR_OFFER.title}</strong> {TOUR_OFFER.text}
      </p>
      <div>
        <Button size="xs" variant="default" onClick={begin}>
          {TOUR_OFFER.take}
        </Button>
        <Button size="xs" variant="subtle" color="gray" onClick={end}>
          {TOUR_OFFER.dismiss}
        </Button>
      </div>
    </aside>
  );
}
