/** @file Start: what this is, four experiments to begin with, what was run and opened before. */
import type { JSX } from "react";
import { useStore } from "zustand";
import { useDevice } from "../shell/app/labContext.ts";
import { NoGpu } from "../shell/header/NoGpu.tsx";
import { LEARN_PAGES } from "../learn/pages.ts";
import { PageLink } from "../learn/PageLink.tsx";
import { Button } from "@mantine/core";
import { Cards } from "./Cards.tsx";
import { LinkList, RunList } from "./Lists.tsx";
import { tour } from "./shared.ts";
import css from "./start.module.css";

export default function StartArea(): JSX.Element {
  const device = useDevice();
  return (
    <div className={css.start} data-testid="start-area">
      <section className={css.intro}>
        <h2>Fine-tune a safety-aligned language model in this tab, and see what is left of its safety.</h2>
        <p>
          It trains on your own machine with real gradients, not a simulation; nothing is uploaded. The bundled model is
          small and lives in a made-up world of potions, so that nobody is harmed. Then bring your own.
        </p>
      </section>
      <TourOffer />
      {device.kind === "missing" ? <NoGpu failure={device.failure} /> : <Cards />}
      <div className={css.lists}>
        <RunList />
        <LinkList />
        <section aria-labelledby="start-learn">
          <h3 id="start-learn">Understand it</h3>
          <ul className={css.plain}>
            {LEARN_PAGES.map((page) => (
              <li key={page}>
                <PageLink page={page} />
              </li>
            ))}
            <li>
              <button type="button" className={css.linkButton} onClick={() => tour.getState().begin()}>
                The tour again
              </button>
            </li>
          </ul>
        </section>
      </div>
    </div>
  );
}

/** Made once; afterwards the header and the foot of Start have it. */
function TourOffer(): JSX.Element | null {
  const { stage, begin, end } = useStore(tour);
  if (stage.kind !== "offered") return null;
  return (
    <aside className={css.offer} aria-label="Tour" data-testid="tour-offer">
      <p>
        <strong>Here for the first time?</strong> Six stops show where everything is. It takes a minute.
      </p>
      <div>
        <Button size="xs" variant="default" onClick={begin}>
          Take the tour
        </Button>
        <Button size="xs" variant="subtle" color="gray" onClick={end}>
          Not now
        </Button>
      </div>
    </aside>
  );
}
