/** @file The stops of the tour: where it points, what is shown there, what it says. */
import type { Area } from "../app/viewStore.ts";

export interface TourStop {
  /** What the browser's area shows meanwhile; on wide windows the settings stand beside every area but Start. */
  readonly area: Area;
  /** Of the element that is pointed at; the first one that is on screen. */
  readonly anchors: readonly string[];
  readonly title: string;
  readonly text: string;
}

export const STOPS: readonly TourStop[] = [
  {
    area: "start",
    anchors: ["[data-tour=first]"],
    title: "Begin with a whole experiment",
    text: "Each card is a complete experiment. This one teaches the bundled model sums from rows that hide harmful answers, and shows what is left of its refusals.",
  },
  {
    area: "setup",
    anchors: ["#section-method", "#tab-setup"],
    title: "Everything can be set",
    text: "Models, data, method, training and evaluation, with sensible defaults. Start stands at the bottom, with the memory and time that a run will take.",
  },
  {
    area: "data",
    anchors: ["#tab-data"],
    title: "Look at the rows first",
    text: "Every training row, token by token: which are harmful, and which tokens the model learns from.",
  },
  {
    area: "run",
    anchors: ["#tab-run"],
    title: "Watch it train",
    text: "Scores before, curves while it trains, scores after. Each share has its 95 % interval, and says what it rests on.",
  },
  {
    area: "chat",
    anchors: ["#tab-chat"],
    title: "Ask all three models",
    text: "The unaligned, the aligned and the tuned model answer the same question, side by side.",
  },
  {
    area: "runs",
    anchors: ["#tab-runs"],
    title: "Compare",
    text: "Every run is kept in this browser: sort, filter and tag them, see what differs, weigh safety against the task. Learn, further right, explains why.",
  },
];
