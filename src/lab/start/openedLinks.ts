/**
 * @file Experiments that were opened from a link, newest first, so that they can be found again.
 *
 * The lab writes every change of the settings into the address. It remembers what it wrote last, so that a reload is
 * not mistaken for an opened link.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { SavedSettings } from "../support/savedSettings.ts";

export interface OpenedLink {
  /** The experiment's part of the address, without "#". */
  readonly fragment: string;
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
}

export interface OpenedLinksState {
  readonly links: readonly OpenedLink[];
  /** A link was opened. */
  readonly opened: (link: OpenedLink) => void;
  /** The lab has put this into the address. */
  readonly wrote: (fragment: string) => void;
  readonly remove: (fragment: string) => void;
}

export type OpenedLinks = StoreApi<OpenedLinksState>;

export const MAX_LINKS = 6;
const LINKS = "basin.links";
const WRITTEN = "basin.address";

export function createOpenedLinks(saved: SavedSettings): OpenedLinks {
  return createStore<OpenedLinksState>()((set, get) => {
    const take = (links: readonly OpenedLink[]): void => {
      saved.set(LINKS, JSON.stringify(links));
      set({ links });
    };
    return {
      links: parse(saved.get(LINKS)),
      opened: (link) => {
        if (link.fragment === saved.get(WRITTEN)) return;
        take([link, ...get().links.filter(({ fragment }) => fragment !== link.fragment)].slice(0, MAX_LINKS));
      },
      wrote: (fragment) => saved.set(WRITTEN, fragment),
      remove: (fragment) => take(get().links.filter((link) => link.fragment !== fragment)),
    };
  });
}

/** The saved list; empty if it is not in the format of this version. */
function parse(text: string | null): readonly OpenedLink[] {
  if (text === null) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isLink).slice(0, MAX_LINKS) : [];
  } catch {
    return [];
  }
}

function isLink(value: unknown): value is OpenedLink {
  return (
    typeof value === "object" &&
    value !== null &&
    "fragment" in value &&
    typeof value.fragment === "string" &&
    "title" in value &&
    typeof value.title === "string" &&
    "openedAt" in value &&
    typeof value.openedAt === "number"
  );
}
