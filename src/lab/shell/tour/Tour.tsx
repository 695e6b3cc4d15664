/**
 * @file The tour: a card next to the element it explains, and a frame around that element.
 *
 * The page stays usable: nothing is dimmed or blocked, and Escape ends the tour. The card takes the focus at each stop
 * and returns it to where the tour was started.
 */
import { Button, Popover } from "@mantine/core";
import { useEffect, useRef, useState, type JSX, type KeyboardEvent } from "react";
import { useStore } from "zustand";
import { useView } from "../app/labContext.ts";
import { tour } from "../../start/shared.ts";
import { TOUR } from "../copy.ts";
import { STOPS, type TourStop } from "./stops.ts";
import css from "./tour.module.css";

export default function Tour(): JSX.Element | null {
  const stage = useStore(tour, (state) => state.stage);
  const begun = useRef<Element | null>(document.activeElement);
  useEffect(() => {
    const from = begun.current;
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus();
      else document.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
    };
  }, []);
  const stop = stage.kind === "at" ? STOPS[stage.stop] : undefined;
  return stage.kind === "at" && stop !== undefined ? <Stop key={stage.stop} at={stage.stop} stop={stop} /> : null;
}

function Stop({ at, stop }: { readonly at: number; readonly stop: TourStop }): JSX.Element | null {
  const { next, back, end } = useStore(tour);
  const show = useView((view) => view.show);
  const box = useAnchor(stop);
  const last = at === STOPS.length - 1;
  useEffect(() => show(stop.area), [show, stop]);
  const finish = (): void => {
    end();
    show("start");
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") end();
    else if (event.key === "ArrowRight" && !last) next();
    else if (event.key === "ArrowLeft") back();
    else return;
    event.preventDefault();
  };
  if (box === null) return null;
  return (
    <Popover
      opened
      position="bottom-start"
      offset={10}
      withArrow
      arrowSize={10}
      trapFocus={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      transitionProps={{ duration: 0 }}
      middlewares={{ flip: true, shift: { padding: 8 } }}
      width={340}
      zIndex={320}
    >
      <Popover.Target>
        <div
          className={css.frame}
          style={{ left: box.left, top: box.top, width: box.width, height: box.height }}
          aria-hidden="true"
        />
      </Popover.Target>
      <Popover.Dropdown
        className={css.card}
        role="dialog"
        aria-modal="false"
        aria-label={TOUR.label(at + 1, STOPS.length, stop.title)}
        data-testid="tour"
        onKeyDown={onKey}
      >
        {/* Screen readers read the text when it takes the focus. */}
        <div ref={takeFocus} tabIndex={-1} className={css.text}>
          <h2>{stop.title}</h2>
          <p>{stop.text}</p>
        </div>
        <div className={css.foot}>
          <span>{TOUR.position(at + 1, STOPS.length)}</span>
          <Button size="compact-sm" variant="subtle" color="gray" onClick={end}>
            {last ? TOUR.close : TOUR.end}
          </Button>
          {at > 0 && (
            <Button size="compact-sm" variant="default" onClick={back}>
              {TOUR.back}
            </Button>
          )}
          <Button size="compact-sm" onClick={last ? finish : next}>
            {last ? TOUR.finish : TOUR.next}
          </Button>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function takeFocus(element: HTMLElement | null): void {
  element?.focus({ preventScroll: true });
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const ROOM = 4;

/** The stop's element on screen, updated while it moves; null until it is there. */
function useAnchor({ anchors }: TourStop): Box | null {
  const [box, setBox] = useState<Box | null>(null);
  useEffect(() => {
    let current: Element | null = null;
    const measure = (): void => {
      const element = anchors
        .map((selector) => document.querySelector(selector))
        .find((found) => found !== null && found.getClientRects().length > 0);
      if (element == null) return;
      if (element !== current) {
        current = element;
        element.scrollIntoView({ block: "nearest", inline: "nearest" });
      }
      const { left, top, width, height } = element.getBoundingClientRect();
      const found = { left: left - ROOM, top: top - ROOM, width: width + 2 * ROOM, height: height + 2 * ROOM };
      setBox((before) =>
        before !== null &&
        before.left === found.left &&
        before.top === found.top &&
        before.width === found.width &&
        before.height === found.height
          ? before
          : found,
      );
    };
    // The element may load lazily, and moves with the content above it.
    const timer = setInterval(measure, 250);
    const frame = requestAnimationFrame(measure);
    window.addEventListener("resize", measure);
    window.addEventListener("scroll", measure, true);
    return () => {
      clearInterval(timer);
      cancelAnimationFrame(frame);
      window.removeEventListener("resize", measure);
      window.removeEventListener("scroll", measure, true);
    };
  }, [anchors]);
  return box;
}
