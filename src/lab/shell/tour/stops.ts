/** @file The stops of the tour: the area to show and the element to point at. Texts: ../copy.ts. */
import type { Area } from "../app/viewStore.ts";
import { TOUR } from "../copy.ts";

export interface TourStop {
  /** Shown at this stop; in wide windows Setup is next to every area but Start. */
  readonly area: Area;
  /** Selectors of the element to point at; the first one that is on screen. */
  readonly anchors: readonly string[];
  readonly title: string;
  readonly text: string;
}

export const STOPS: readonly TourStop[] = [
  { area: "start", anchors: ["[data-tour=first]"], ...TOUR.start },
  { area: "setup", anchors: ["#section-method", "#tab-setup"], ...TOUR.setup },
  { area: "data", anchors: ["#tab-data"], ...TOUR.data },
  { area: "run", anchors: ["#tab-run"], ...TOUR.run },
  { area: "chat", anchors: ["#tab-chat"], ...TOUR.chat },
  { area: "runs", anchors: ["#tab-runs"], ...TOUR.runs },
];
