/** @file Stores that Start and other areas share, and the title of an experiment. */
import { dataTitle, methodTitle } from "../run/labels.ts";
import type { SpecState } from "../setup/specStore.ts";
import { browserSettings } from "../support/savedSettings.ts";
import { STOPS } from "../shell/tour/stops.ts";
import { createTourStore } from "../shell/tour/tourStore.ts";
import { UNTITLED } from "./copy.ts";
import { createOpenedLinks } from "./openedLinks.ts";

export const openedLinks = createOpenedLinks(browserSettings);
export const tour = createTourStore(browserSettings, STOPS.length);

/** The experiment's name, or its method and data. */
export function experimentTitle({ check }: Pick<SpecState, "check">): string {
  if (check.kind === "invalid") return UNTITLED;
  const { spec } = check;
  return spec.name ?? `${methodTitle(spec.method)}, ${dataTitle(spec)}`;
}
