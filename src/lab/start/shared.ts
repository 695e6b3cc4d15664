/** @file What Start keeps in this browser, and how an experiment is called there. */
import { dataTitle, methodTitle } from "../run/labels.ts";
import type { SpecState } from "../setup/specStore.ts";
import { browserSettings } from "../support/savedSettings.ts";
import { STOPS } from "../shell/tour/stops.ts";
import { createTourStore } from "../shell/tour/tourStore.ts";
import { createOpenedLinks } from "./openedLinks.ts";

export const openedLinks = createOpenedLinks(browserSettings);
export const tour = createTourStore(browserSettings, STOPS.length);

/** The experiment's own name, else what it is. */
export function experimentTitle({ check }: Pick<SpecState, "check">): string {
  if (check.kind === "invalid") return "An experiment";
  const { spec } = check;
  return spec.name ?? `${methodTitle(spec.method)}, ${dataTitle(spec)}`;
}
