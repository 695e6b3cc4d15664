/**
 * @file The experiments that came by link, the newest first, so that one finds them again after the address has moved on.
 *
 * The lab writes every change of the settings into the address itself. What it wrote last is remembered, so that a reload is
 * not taken for a link that somebody sent.
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

export const MOST_LINKS = 6;
const LINKS = "basin.links";
const WRITTEN = "basin.address";

export function createOpenedLinks(keep: SavedSettings): OpenedLinks {
  return createStore<OpenedLinksState>()((set, get) => {
    const take = (links: readonly OpenedLink[]): void => {
      keep.set(LINKS, JSON.stringify(links));
      set({ links });
    };
    return {
      links: parse(keep.get(LINKS)),
      opened: (link) => {
        if (link.fragment === keep.get(WRITTEN)) return;
        take([link, ...get().links.filter(({ fragment }) => fragment !== link.fragment)].slice(0, MOST_LINKS));
      },
      wrote: (fragment) => keep.set(WRITTEN, fragment),
      remove: (fragment) => take(get().links.filter((link) => link.fragment !== fragment)),
    };
  });
}

/** What was kept; nothing where that is not what this version writes. */
function parse(text: string | null): readonly OpenedLink[] {
  if (text === null) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isLink).slice(0, MOST_LINKS) : [];
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
