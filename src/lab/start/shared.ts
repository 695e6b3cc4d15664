/** @file What Start keeps in this browser, and how an experiment is called there. */
import { dataTitle, methodTitle } from "../run/labels.ts";
import type { SpecState } from "../setup/specStore.ts";
import { browserKeep } from "../support/keep.ts";
import { STOPS } from "../tour/stops.ts";
import { createTourStore } from "../tour/tourStore.ts";
import { createOpenedLinks } from "./openedLinks.ts";

export const openedLinks = createOpenedLinks(browserKeep);
export const tour = createTourStore(browserKeep, STOPS.length);

/** The experiment's own name, else what it is. */
export function experimentTitle({ check }: Pick<SpecState, "check">): string {
  if (check.kind === "invalid") return "An experiment";
  const { spec } = check;
  return spec.name ?? `${methodTitle(spec.method)}, ${dataTitle(spec)}`;
}
